// scute.files.lock: a folder that belongs to one process.
#include "host/files/lock.h"

#include "host/bind/bind.h"

#define LOCK_TYPE "scute.lock"

// scute.files.lock(path) -> a handle that holds the file until it is closed (close(), <close>), which removes
// it, or the process ends; nil and who has it ("process 4711 on a-host", "" where that is not known) where
// another process does. Folder and file are made where they are missing.
static int lock(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   char holder[SC_LOCK_HOLDER];
   ScLock **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, LOCK_TYPE);
   sc_check(L, sc_lock_take(handle, path, holder));
   if (*handle) return 1;
   lua_pushnil(L);
   lua_pushstring(L, holder);
   return 2;
}

// lock:close(): gives the folder back; once is enough, twice is fine
static int release(lua_State *L) {
   ScLock **handle = luaL_checkudata(L, 1, LOCK_TYPE), *held = *handle;
   *handle = NULL;
   sc_lock_release(held);
   return 0;
}

static const luaL_Reg methods[] = {{"close", release}, {NULL, NULL}};

static void open_lock(lua_State *L) {
   sc_new_type(L, LOCK_TYPE, methods, release);
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, lock);
   lua_setfield(L, -2, "lock");
   lua_pop(L, 1);
}
SC_OPENER(open_lock)
