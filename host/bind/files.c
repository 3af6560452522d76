// scute.files: files of text, and folders.
#include "host/files/file.h"

#include "host/bind/bind.h"

// scute.files.mkdirs(path): creates a folder and its parents
static int mkdirs(lua_State *L) {
   sc_check(L, sc_file_mkdirs(luaL_checkstring(L, 1)));
   return 0;
}

// scute.files.write(path, text): the whole file, atomically
static int write_(lua_State *L) {
   size_t bytes;
   const char *text = luaL_checklstring(L, 2, &bytes);
   sc_check(L, sc_file_save(luaL_checkstring(L, 1), text, bytes));
   return 0;
}

static const luaL_Reg functions[] = {{"mkdirs", mkdirs}, {"write", write_}, {NULL, NULL}};

static void open_files(lua_State *L) {
   luaL_getsubtable(L, -1, "files");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_files)
