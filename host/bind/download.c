// scute.files.download: files from the net, with a callback of Lua's.
#include "host/files/download.h"

#include "host/bind/bind.h"
#include "host/term/signals.h"

typedef struct {
   lua_State *L;
   bool failed; // the callback raised; its error is on top of the stack
} Watcher;

static bool call_progress(void *context, int64_t done, int64_t total) {
   Watcher *w = context;
   if (w->failed || sc_interrupted()) return false;
   if (lua_isnil(w->L, 4)) return true;
   lua_pushvalue(w->L, 4);
   lua_pushinteger(w->L, done);
   lua_pushinteger(w->L, total);
   w->failed = lua_pcall(w->L, 2, 1, 0) != LUA_OK;
   if (w->failed) return false;
   bool stop = lua_isboolean(w->L, -1) && !lua_toboolean(w->L, -1);
   lua_pop(w->L, 1);
   return !stop;
}

// scute.files.download(url, path, sha256 or a prefix of it, progress = nil); progress(done, total) returns
// false to stop; Ctrl-C stops too
static int download(lua_State *L) {
   const char *url = luaL_checkstring(L, 1), *path = luaL_checkstring(L, 2), *digest = luaL_checkstring(L, 3);
   lua_settop(L, 4);
   if (!lua_isnil(L, 4)) luaL_checktype(L, 4, LUA_TFUNCTION);
   luaL_checkstack(L, 4, NULL);
   Watcher w = {L, false};
   ScStatus status = sc_download(url, path, digest, SC_MAXDOWNLOAD, call_progress, &w);
   if (w.failed) return lua_error(L);
   sc_check(L, status);
   return 0;
}

static void open_download(lua_State *L) {
   luaL_getsubtable(L, -1, "files");
   lua_pushcfunction(L, download);
   lua_setfield(L, -2, "download");
   lua_pop(L, 1);
}
SC_OPENER(open_download)
