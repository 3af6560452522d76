// Names that a type of userdata does not have.
#ifndef SCUTE_BIND_SUGGEST_H
#define SCUTE_BIND_SUGGEST_H

#include <lua.h>

// Raises that WHAT, "a tensor", has no method or property of a name, with the nearest of its properties (a list
// that NULL ends) and of the methods at an index. Without it Lua would say "attempt to call a nil value".
int sc_reject_name(lua_State *L, const char *what, const char *name, const char *const *properties,
                   int methods);

#endif
