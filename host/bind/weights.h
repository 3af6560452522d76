// States on their way from Lua to a file.
#ifndef SCUTE_BIND_WEIGHTS_H
#define SCUTE_BIND_WEIGHTS_H

#include "host/bind/bind.h"
#include "host/files/weights.h"

// The arguments 2 to 5 (names, tensors, keys and values of the metadata: lists, read raw) as a state, which it
// leaves on the stack and the collector frees.
ScState *sc_check_state(lua_State *L);

#endif
