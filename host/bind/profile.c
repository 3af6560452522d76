// What ran where and how long, and the clock.
#include "host/bind/bind.h"
#include "host/core/clock.h"
#include "host/core/device.h"
#include "host/core/profile.h"
#include "host/core/span.h"

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

// scute.op_counts(reset = false) -> list of rows per op and device since the last reset
static int op_counts(lua_State *L) {
   if (lua_toboolean(L, 1)) {
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

typedef struct {
   bool open;
   int span;
} Range;

// scute.range(name) -> a handle: what a GPU is asked for until it is closed, by <close> or :free(), has that
// name in a profiler (Nsight Systems), and what is done meanwhile beside ops stands under that name in
// scute.profile and its trace: local r <close> = scute.range "my loss". Every op has one of its own.
static int range(lua_State *L) {
   const char *name = luaL_checkstring(L, 1);
   Range *range = lua_newuserdatauv(L, sizeof *range, 0);
   *range = (Range){0};
   luaL_setmetatable(L, RANGE_TYPE);
   sc_begin_range(name);
   *range = (Range){.open = true, .span = sc_span_begin_range(name)};
   return 1;
}

// range:free(): ends it; also on <close>
static int end_range(lua_State *L) {
   Range *range = luaL_checkudata(L, 1, RANGE_TYPE);
   if (range->open) sc_end_range();
   sc_span_end(range->span);
   *range = (Range){0};
   return 0;
}

static const luaL_Reg functions[] = {
    {"op_counts", op_counts}, {"clock", clock_}, {"range", range}, {NULL, NULL}};
static const luaL_Reg methods[] = {{"free", end_range}, {NULL, NULL}};

static void open_profile(lua_State *L) {
   sc_new_type(L, RANGE_TYPE, methods, end_range);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_profile)
