// Names that a type of userdata does not have.
#ifndef SCUTE_BIND_SUGGEST_H
#define SCUTE_BIND_SUGGEST_H

#include <lua.h>

// Pushes the end of a message about a name that is not known, and returns it: the nearest of n names, or all of
// them.
const char *sc_push_meant(lua_State *L, const char *name, int n, const char *const *names);

// Raises that WHAT, "a tensor", has no method or property of a name, with the nearest of its properties (a list
// that NULL ends) and of the methods at an index, or else the op that is a function only. Without it Lua would
// say "attempt to call a nil value".
int sc_reject_name(lua_State *L, const char *what, const char *name, const char *const *properties,
                   int methods);

#endif
