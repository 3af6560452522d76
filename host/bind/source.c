// scute.files.open: files that are hashed and loaded through one open, for lua/scute/weights.lua.
#include "host/bind/source.h"

#define SOURCE_TYPE "scute.file"

static ScSource *check_open(lua_State *L, int index) {
   ScSource *source = luaL_checkudata(L, index, SOURCE_TYPE);
   if (source->fd < 0) luaL_error(L, "this file is closed");
   return source;
}

ScSource *sc_to_source(lua_State *L, int index) {
   if (lua_isuserdata(L, index)) return check_open(L, index);
   luaL_checkstring(L, index);
   ScSource *source = lua_newuserdatauv(L, sizeof *source, 1);
   source->fd = -1;
   luaL_setmetatable(L, SOURCE_TYPE);
   lua_pushvalue(L, index); // the text lives as long as the file
   lua_setiuservalue(L, -2, 1);
   lua_replace(L, index);
   lua_getiuservalue(L, index, 1);
   const char *path = lua_tostring(L, -1);
   lua_pop(L, 1);
   sc_check(L, sc_source_open(source, path));
   return source;
}

// scute.files.open(path) -> an open file, with file:path(), file:sha256() -> 64 hex digits, file:close()
static int open_file(lua_State *L) {
   luaL_checkstring(L, 1);
   lua_settop(L, 1);
   sc_to_source(L, 1);
   return 1;
}

// file:path() -> the path that it was opened by
static int path_of(lua_State *L) {
   luaL_checkudata(L, 1, SOURCE_TYPE);
   lua_getiuservalue(L, 1, 1);
   return 1;
}

// file:sha256() -> 64 hex digits, of what was opened, whatever lies at the path by now
static int sha256(lua_State *L) {
   char hex[SC_SHA256_HEX];
   sc_check(L, sc_source_sha256(check_open(L, 1), hex));
   lua_pushstring(L, hex);
   return 1;
}

// file:close(): once is enough; also on collection and <close>
static int release(lua_State *L) {
   ScSource *source = luaL_checkudata(L, 1, SOURCE_TYPE);
   if (source->fd >= 0) sc_source_close(source);
   return 0;
}

static const luaL_Reg methods[] = {{"path", path_of}, {"sha256", sha256}, {"close", release}, {NULL, NULL}};

static void open_source(lua_State *L) {
   sc_new_type(L, SOURCE_TYPE, methods, release);
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, open_file);
   lua_setfield(L, -2, "open");
   lua_pop(L, 1);
}
SC_OPENER(open_source)
