#include "host/bind/open.h"

enum { MAXOPENERS = 64 };

static ScOpener openers[MAXOPENERS];
static int nopeners;

void sc_register_opener(ScOpener opener) {
   if (nopeners < MAXOPENERS) openers[nopeners++] = opener;
}

void sc_open_all(lua_State *L) {
   lua_newtable(L);
   for (int i = 0; i < nopeners; i++) openers[i](L);
}

void sc_push_methods(lua_State *L, const char *type) {
   luaL_newmetatable(L, type);
   luaL_getsubtable(L, -1, "methods");
   lua_remove(L, -2);
}

void sc_set_properties(lua_State *L, const char *const *names) {
   lua_newtable(L);
   for (int i = 0; names[i]; i++) {
      lua_pushstring(L, names[i]);
      lua_rawseti(L, -2, i + 1);
   }
   lua_setfield(L, -2, "properties");
}

void sc_new_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction release) {
   luaL_newmetatable(L, name);
   lua_pushcfunction(L, release);
   lua_setfield(L, -2, "__gc");
   lua_pushcfunction(L, release);
   lua_setfield(L, -2, "__close");
   lua_newtable(L);
   luaL_setfuncs(L, methods, 0);
   lua_setfield(L, -2, "__index");
   lua_pop(L, 1);
}
