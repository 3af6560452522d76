// scute.profiler: what a profile is made of (lua/scute/profile.lua), and its trace.
#include "host/bind/bind.h"
#include "host/core/costs.h"
#include "host/core/layer.h"
#include "host/core/span.h"
#include "host/core/trace.h"

static void set_number(lua_State *L, const char *key, double value) {
   lua_pushnumber(L, value);
   lua_setfield(L, -2, key);
}

static void set_text(lua_State *L, const char *key, const char *value) {
   lua_pushstring(L, value);
   lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, long value) {
   lua_pushinteger(L, value);
   lua_setfield(L, -2, key);
}

static void push_cost(lua_State *L, const ScCost *row) {
   lua_createtable(L, 0, 14);
   set_text(L, "op", row->op);
   set_text(L, "device", row->device);
   set_text(L, "dtype", sc_dtype_name(row->dtype));
   set_text(L, "layer", sc_layer_path(row->layer));
   set_text(L, "shapes", row->shapes ? row->shapes : "");
   set_integer(L, "forward_calls", row->calls[0]);
   set_integer(L, "backward_calls", row->calls[1]);
   set_integer(L, "fallbacks", row->fallbacks);
   set_number(L, "forward_seconds", row->seconds[0]);
   set_number(L, "backward_seconds", row->seconds[1]);
   set_number(L, "forward_flops", 2 * row->multiply_adds[0]);
   set_number(L, "backward_flops", 2 * row->multiply_adds[1]);
   set_number(L, "forward_bytes", row->bytes[0]);
   set_number(L, "backward_bytes", row->bytes[1]);
}

// scute.profiler.begin(): what follows is counted until as many calls of finish
static int begin(lua_State *L) {
   (void)L;
   sc_profiling_begin();
   return 0;
}

// scute.profiler.finish(): ends what begin began
static int finish(lua_State *L) {
   (void)L;
   sc_profiling_end();
   return 0;
}

// scute.profiler.costs() -> list of rows per op, device, dtype, layer and shapes; those that come later are
// appended
static int costs(lua_State *L) {
   const ScCost *rows;
   int n = sc_costs_rows(&rows);
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      push_cost(L, &rows[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.profiler.spans() -> list of { name, beside = in other threads, is_range, count, seconds = without the
// spans and ops within }
static int spans(lua_State *L) {
   ScSpanRow rows[SC_SPAN_ROWS];
   int n = sc_span_rows(rows);
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      lua_createtable(L, 0, 5);
      set_text(L, "name", rows[i].name);
      set_integer(L, "count", rows[i].count);
      set_number(L, "seconds", rows[i].seconds);
      lua_pushboolean(L, rows[i].beside);
      lua_setfield(L, -2, "beside");
      lua_pushboolean(L, rows[i].is_range);
      lua_setfield(L, -2, "is_range");
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.profiler.layer(path) -> its number, for enter
static int layer(lua_State *L) {
   lua_pushinteger(L, sc_layer_number(luaL_checkstring(L, 1)));
   return 1;
}

// scute.profiler.enter(number) -> the number before: the layer of the calls that follow
static int enter(lua_State *L) {
   lua_pushinteger(L, sc_layer_set((int)luaL_checkinteger(L, 1)));
   return 1;
}

// scute.profiler.trace_begin(): events are kept from here on
static int trace_begin(lua_State *L) {
   sc_check(L, sc_trace_begin());
   return 0;
}

// scute.profiler.trace_place(path): what there is, and all that comes, is written to that file
static int trace_place(lua_State *L) {
   sc_check(L, sc_trace_place(luaL_checkstring(L, 1)));
   return 0;
}

// scute.profiler.trace_end() -> events seen, events in the file, and what was wrong, if something was
static int trace_end(lua_State *L) {
   long seen = 0, written = 0;
   ScStatus status = sc_trace_end(&seen, &written);
   lua_pushinteger(L, seen);
   lua_pushinteger(L, written);
   if (status == SC_OK) return 2;
   lua_pushstring(L, sc_error());
   return 3;
}

static const luaL_Reg functions[] = {{"begin", begin},
                                     {"finish", finish},
                                     {"costs", costs},
                                     {"spans", spans},
                                     {"layer", layer},
                                     {"enter", enter},
                                     {"trace_begin", trace_begin},
                                     {"trace_place", trace_place},
                                     {"trace_end", trace_end},
                                     {NULL, NULL}};

static void open_profiler(lua_State *L) {
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "profiler");
}
SC_OPENER(open_profiler)
