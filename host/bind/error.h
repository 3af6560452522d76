// What the core reports, raised as errors of Lua: a text with the position of the calling Lua code; of memory
// that ran out a value that says so, which a program may ask for its kind instead of searching the text.
#ifndef SCUTE_BIND_ERROR_H
#define SCUTE_BIND_ERROR_H

#include <stdbool.h>

#include "host/bind/open.h"
#include "host/core/status.h"

// Raises sc_error(), which came with this status.
int sc_raise(lua_State *L, ScStatus);
// Raises if the status says so.
void sc_check(lua_State *L, ScStatus);
// Whether the error at an index says that memory ran out: the core's or Lua's own.
bool sc_is_memory_error(lua_State *L, int index);
// What the error on top of the stack, which a protected call ended with so, is to the core.
ScStatus sc_status_of_error(lua_State *L, int how);

#endif
