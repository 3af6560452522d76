#include "host/bind/environment.h"

#include <lauxlib.h>

static const char environment = 0; // its address: the registry's table of the globals as they were

// print: the user's, who may want to see what is printed, unless that is no function; then Lua's (upvalue 1).
static int print(lua_State *L) {
   if (lua_getglobal(L, "print") != LUA_TFUNCTION) {
      lua_pop(L, 1);
      lua_pushvalue(L, lua_upvalueindex(1));
   }
   lua_insert(L, 1);
   lua_call(L, lua_gettop(L) - 1, 0);
   return 0;
}

// Names that are not noted are those of all code: arg, help, what a user has defined.
static void share_the_rest(lua_State *L) {
   lua_createtable(L, 0, 2);
   lua_pushglobaltable(L);
   lua_setfield(L, -2, "__index");
   lua_pushglobaltable(L);
   lua_setfield(L, -2, "__newindex");
   lua_setmetatable(L, -2);
}

void sc_environment_open(lua_State *L) {
   lua_newtable(L);
   lua_pushglobaltable(L);
   lua_pushnil(L);
   while (lua_next(L, -2)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
   }
   lua_pop(L, 1);
   lua_getfield(L, -1, "print");
   lua_pushcclosure(L, print, 1);
   lua_setfield(L, -2, "print");
   share_the_rest(L);
   lua_rawsetp(L, LUA_REGISTRYINDEX, &environment);
}

void sc_environment_give(lua_State *L) {
   lua_rawgetp(L, LUA_REGISTRYINDEX, &environment);
   if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
}

void sc_environment_push(lua_State *L, const char *name) {
   lua_rawgetp(L, LUA_REGISTRYINDEX, &environment);
   lua_getfield(L, -1, name);
   lua_remove(L, -2);
}
