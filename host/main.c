// scute: runs a Lua script, a line of code, or a REPL.
#include <stdio.h>

#include "host/bind/bind.h"

int main(int argc, char **argv) {
   lua_State *L = luaL_newstate();
   luaL_openlibs(L);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
   lua_pop(L, 1);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   sc_open_all(L);
   lua_setfield(L, -2, "scute.core");
   lua_pop(L, 1);
   if (argc < 2 || luaL_dofile(L, argv[1])) {
      fprintf(stderr, "scute: %s\n", argc < 2 ? "no script" : lua_tostring(L, -1));
      return 1;
   }
   lua_close(L);
   return 0;
}
