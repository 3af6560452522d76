// What Lua's own names (type, pairs, require, ...) mean to scute's files in Lua: what they were at the start,
// whatever a user's variables of these names are.
#ifndef SCUTE_BIND_ENVIRONMENT_H
#define SCUTE_BIND_ENVIRONMENT_H

#include <lua.h>

// Notes the globals that there are. May raise.
void sc_environment_open(lua_State *L);

// Makes them those of the chunk at the top, which was loaded and has not run.
void sc_environment_give(lua_State *L);

// Pushes one of them.
void sc_environment_push(lua_State *L, const char *name);

#endif
