// Strict names: in a script and the modules of its own, reading a global that nobody declared is an error with
// the nearest name, and so is assigning one inside a function. Assigning one at the top level of a file
// declares it.
#ifndef SCUTE_BIND_GLOBALS_H
#define SCUTE_BIND_GLOBALS_H

#include "host/bind/bind.h"

// Makes the table of globals strict. Only names that are not there cost anything.
void sc_globals_open(lua_State *L);

#endif
