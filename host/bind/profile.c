// What ran where and how long, and the clock.
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/device.h"
#include "host/core/profile.h"

static void push_row(lua_State *L, const ScProfileRow *row) {
   lua_createtable(L, 0, 7);
   lua_pushstring(L, row->op), lua_setfield(L, -2, "op");
   lua_pushstring(L, row->device), lua_setfield(L, -2, "device");
   lua_pushinteger(L, row->forward_calls), lua_setfield(L, -2, "forward_calls");
   lua_pushinteger(L, row->backward_calls), lua_setfield(L, -2, "backward_calls");
   lua_pushinteger(L, row->fallbacks), lua_setfield(L, -2, "fallbacks");
   lua_pushnumber(L, row->forward_seconds), lua_setfield(L, -2, "forward_seconds");
   lua_pushnumber(L, row->backward_seconds), lua_setfield(L, -2, "backward_seconds");
}

// scute.profile() -> list of rows per op and device since the last scute.profile("reset")
static int profile(lua_State *L) {
   if (lua_isstring(L, 1) && strcmp(lua_tostring(L, 1), "reset") == 0) {
      sc_profile_reset();
      return 0;
   }
   const ScProfileRow *rows;
   int n = sc_profile_rows(&rows);
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      push_row(L, &rows[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.clock() -> seconds on a monotonic clock
static int clock_(lua_State *L) {
   lua_pushnumber(L, sc_seconds());
   return 1;
}

// ---- ranges ----

#define RANGE_TYPE "scute.range"

// scute.range(name) -> a handle: what a GPU is asked for until it is closed, by <close> or :free(), has that
// name in a profiler (Nsight Systems): local r <close> = scute.range "my loss". Every op has one of its own.
static int range(lua_State *L) {
   const char *name = luaL_checkstring(L, 1);
   bool *open = lua_newuserdatauv(L, sizeof *open, 0);
   *open = false;
   luaL_setmetatable(L, RANGE_TYPE);
   sc_begin_range(name);
   *open = true;
   return 1;
}

// range:free(): ends it; also on <close>
static int end_range(lua_State *L) {
   bool *open = luaL_checkudata(L, 1, RANGE_TYPE);
   if (*open) sc_end_range();
   *open = false;
   return 0;
}

static const luaL_Reg functions[] = {{"profile", profile}, {"clock", clock_}, {"range", range}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"free", end_range}, {NULL, NULL}};

static void open_profile(lua_State *L) {
   sc_new_type(L, RANGE_TYPE, methods, end_range);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_profile)
