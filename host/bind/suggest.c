// "Did you mean ...", for Lua.
#include "host/bind/bind.h"
#include "host/core/suggest.h"

// scute.nearest(name, list) -> the entry of the list, read raw, that was probably meant, or nil
static int nearest(lua_State *L) {
   const char *name = luaL_checkstring(L, 1);
   luaL_checktype(L, 2, LUA_TTABLE);
   int n = sc_list_length(L, 2, "nearest");
   const char **names = sc_push_array(L, n, sizeof *names);
   luaL_checkstack(L, n + LUA_MINSTACK, "too many names");
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, 2, i + 1); // stays on the stack: a number becomes text there
      names[i] = luaL_checkstring(L, -1);
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
