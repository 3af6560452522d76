// scute: runs a Lua script, a line of code, or a REPL.
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/bind/bind.h"

// The library lies beside the binary (a build tree) or in ../share/scute (installed).
static void set_library_path(lua_State *L) {
   static const char *places[] = {"/lua", "/../lua", "/../share/scute/lua"};
   char self[PATH_MAX], probe[PATH_MAX + 64];
   ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
   if (length < 0) return;
   self[length] = '\0';
   const char *folder = dirname(self);
   for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
      snprintf(probe, sizeof probe, "%s%s/scute/init.lua", folder, places[i]);
      if (access(probe, R_OK) != 0) continue;
      lua_getglobal(L, "package");
      lua_getfield(L, -1, "path");
      lua_pushfstring(L, "%s%s/?.lua;%s%s/?/init.lua;%s", folder, places[i], folder, places[i], lua_tostring(L, -1));
      lua_setfield(L, -3, "path");
      lua_pop(L, 2);
      return;
   }
}

static void open_libraries(lua_State *L) {
   luaL_openlibs(L);
   set_library_path(L);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
   sc_open_all(L);
   lua_setfield(L, -2, "scute.core");
   lua_pop(L, 1);
}

static void set_arguments(lua_State *L, int argc, char **argv, int script) {
   lua_createtable(L, argc, 1);
   for (int i = 0; i < argc; i++) {
      lua_pushstring(L, argv[i]);
      lua_rawseti(L, -2, i - script);
   }
   lua_setglobal(L, "arg");
}

int main(int argc, char **argv) {
   lua_State *L = luaL_newstate();
   open_libraries(L);
   set_arguments(L, argc, argv, 1);
   int failed = argc < 2 || (argc > 2 && strcmp(argv[1], "-e") == 0 ? luaL_dostring(L, argv[2]) : luaL_dofile(L, argv[1]));
   if (failed) fprintf(stderr, "scute: %s\n", argc < 2 ? "no script" : lua_tostring(L, -1));
   lua_close(L);
   return failed;
}
