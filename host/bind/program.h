// The Lua state of one program: opened with its libraries, and closed with the right exit code.
#ifndef SCUTE_BIND_PROGRAM_H
#define SCUTE_BIND_PROGRAM_H

#include "host/bind/bind.h"

// A state with all libraries and the table `arg` (argv[script] is arg[0]); NULL with sc_error() where memory is
// short.
lua_State *sc_program_open(int argc, char **argv, int script);
// Closes the state (NULL: there is none). Returns `code`, or 1 where standard output could not be written.
int sc_program_close(lua_State *L, int code);

#endif
