// scute.files.private, temporary and digest: where what scute.kernel compiles is kept, and under which name.
#include "host/files/private_folder.h"

#include <sha2.h>
#include <stdlib.h>

#include "host/bind/bind.h"

// scute.files.private(path): creates a folder that only its owner may write into, or raises why it is none
static int private_(lua_State *L) {
   sc_check(L, sc_private_folder(luaL_checkstring(L, 1)));
   return 0;
}

// scute.files.temporary() -> the path of a new folder in $TMPDIR, or /tmp, that is nobody else's
static int temporary(lua_State *L) {
   char **path = sc_push_block(L);
   sc_check(L, sc_temporary_folder(path));
   lua_pushstring(L, *path);
   return 1;
}

// scute.files.digest(text) -> its sha256, 64 hex digits
static int digest(lua_State *L) {
   size_t length;
   const char *text = luaL_checklstring(L, 1, &length);
   char hex[SHA256_DIGEST_STRING_LENGTH];
   SHA256Data((const uint8_t *)text, length, hex);
   lua_pushstring(L, hex);
   return 1;
}

static const luaL_Reg functions[] = {
    {"private", private_}, {"temporary", temporary}, {"digest", digest}, {NULL, NULL}};

static void open_private_folder(lua_State *L) {
   luaL_getsubtable(L, -1, "files");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_private_folder)
