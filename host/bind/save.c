// scute.weight_files.save_later: weight files written beside the computation, for lua/scute/weights.lua.
#include "host/files/save.h"

#include "host/bind/source.h"
#include "host/bind/weights.h"
#include "host/files/seal.h"

#define SAVE_TYPE "scute.save"

// scute.weight_files.save_later(path, names, tensors, keys, values) -> a handle; see sc_save_begin
static int save_later(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   ScState *state = sc_check_state(L);
   ScSave **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, SAVE_TYPE);
   sc_check(L, sc_save_begin(handle, path, state));
   sc_state_free(state);
   return 1;
}

// save:done() -> whether finish() would not wait
static int done(lua_State *L) {
   ScSave **handle = luaL_checkudata(L, 1, SAVE_TYPE);
   lua_pushboolean(L, !*handle || sc_save_done(*handle));
   return 1;
}

// save:finish() -> processor time that it took, in seconds; waits, and raises what went wrong
static int finish(lua_State *L) {
   ScSave **handle = luaL_checkudata(L, 1, SAVE_TYPE), *save = *handle;
   double seconds = 0;
   *handle = NULL;
   if (save) sc_check(L, sc_save_end(save, &seconds));
   lua_pushnumber(L, seconds);
   return 1;
}

static int release(lua_State *L) {
   ScSave **handle = luaL_checkudata(L, 1, SAVE_TYPE), *save = *handle;
   *handle = NULL;
   if (save) (void)!sc_save_end(save, NULL);
   return 0;
}

// scute.weight_files.verify(path or open file): raises where a file that save_later wrote is not whole
static int verify(lua_State *L) {
   bool named = lua_type(L, 1) == LUA_TSTRING;
   ScSource *source = sc_to_source(L, 1);
   sc_check(L, sc_seal_check(source));
   if (named) sc_source_close(source);
   return 0;
}

static const luaL_Reg methods[] = {{"done", done}, {"finish", finish}, {NULL, NULL}};

static void open_save(lua_State *L) {
   sc_new_type(L, SAVE_TYPE, methods, release);
   luaL_getsubtable(L, -1, "weight_files");
   lua_pushcfunction(L, save_later);
   lua_setfield(L, -2, "save_later");
   lua_pushcfunction(L, verify);
   lua_setfield(L, -2, "verify");
   lua_pop(L, 1);
}
SC_OPENER(open_save)
