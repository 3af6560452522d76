// The table `scute`, opened by all who have something to put into it. No central list.
#ifndef SCUTE_BIND_OPEN_H
#define SCUTE_BIND_OPEN_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

// A file of host/bind defines one opener and registers it before main; their order is not known. It gets the
// table `scute` on top of the stack and leaves it there.
typedef void (*ScOpener)(lua_State *L);
void sc_register_opener(ScOpener);
void sc_open_all(lua_State *L); // pushes the table

#define SC_OPENER(function)                                                                                    \
   __attribute__((constructor(203))) static void register_##function(void) {                                   \
      sc_register_opener(function);                                                                            \
   }

// A type of userdata: what its methods are, and what gives its content up, once, on collection and <close>.
void sc_new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release);
// Pushes the table `methods` in the metatable of a type of userdata that has properties too (tensors, images):
// several files put methods there, and one answers what is asked by name.
void sc_push_methods(lua_State *L, const char *type);
// Puts the names of a type's properties (a list that NULL ends) into its metatable, on top of the stack, as the
// field `properties`: for completion and help.
void sc_set_properties(lua_State *L, const char *const *names);

#endif
