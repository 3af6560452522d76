// "Did you mean ...", for Lua.
#include "host/bind/bind.h"
#include "host/core/suggest.h"

// scute.nearest(name, list) -> the entry of the list that was probably meant, or nil
static int nearest(lua_State *L) {
   const char *name = luaL_checkstring(L, 1);
   luaL_checktype(L, 2, LUA_TTABLE);
   int n = (int)luaL_len(L, 2);
   const char **names = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *names, 0);
   for (int i = 0; i < n; i++) {
      lua_geti(L, 2, i + 1);
      names[i] = luaL_checkstring(L, -1); // the table keeps it alive
      lua_pop(L, 1);
   }
   int best = sc_nearest(name, n, names);
   if (best < 0)
      lua_pushnil(L);
   else
      lua_pushstring(L, names[best]);
   return 1;
}

static void open_suggest(lua_State *L) {
   lua_pushcfunction(L, nearest);
   lua_setfield(L, -2, "nearest");
}
SC_OPENER(open_suggest)
