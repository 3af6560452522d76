// What concerns the whole session: recording, seeds, threads, memory, profile, suggestions.
#include <omp.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/profile.h"
#include "host/core/rng.h"
#include "host/core/suggest.h"
#include "host/core/tape.h"
#include "host/core/width.h"

static void check_callable(lua_State *L, int index, const char *name) {
   bool called = lua_isfunction(L, index);
   if (!called && luaL_getmetafield(L, index, "__call")) called = true, lua_pop(L, 1);
   if (!called) luaL_error(L, "%s: expected a function, found %s", name, sc_describe_value(L, index));
}

// scute.no_grad(f, ...) -> f's results; nothing in f is recorded, also when it fails
static int no_grad(lua_State *L) {
   check_callable(L, 1, "no_grad");
   bool before = sc_set_recording(false);
   int status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
   sc_set_recording(before);
   return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

// scute.autocast(dtype, f, ...) -> f's results, in mixed precision: with dtype "bf16" or "f16" the products in
// f (convolutions, linear layers) take their inputs in that dtype and give it, losses and softmax stay in f32,
// and all else follows its inputs. Weights stay what they are, and their gradients arrive in f32. "f32": as
// without it.
static int autocast(lua_State *L) {
   ScDtype dtype;
   bool known = lua_type(L, 1) == LUA_TSTRING && sc_dtype_parse(lua_tostring(L, 1), &dtype);
   if (!known || !(dtype == SC_F32 || sc_dtype_is_half(dtype)))
      return luaL_error(L, "autocast: expected 'bf16', 'f16' or 'f32', found %s", sc_describe_value(L, 1));
   check_callable(L, 2, "autocast");
   ScDtype before = sc_set_autocast(dtype);
   int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
   sc_set_autocast(before);
   return status == LUA_OK ? lua_gettop(L) - 1 : lua_error(L);
}

// scute.computes(device, dtype): whether the device computes products in this dtype itself. Where it does not,
// f16 and bf16 are storage: tensors are converted to f32 around each op and results rounded.
static int computes(lua_State *L) {
   ScDevice *device;
   ScDtype dtype;
   if (sc_device_find(luaL_checkstring(L, 1), &device) != SC_OK) return sc_raise(L);
   if (!sc_dtype_parse(luaL_checkstring(L, 2), &dtype))
      return luaL_error(L, "computes: expected a dtype (f32, f64, f16, bf16, i64, u8), found %s",
                        sc_describe_value(L, 2));
   lua_pushboolean(L, sc_kernel_takes(sc_find_kernel(device, "conv2d"), dtype));
   return 1;
}

// scute.set_recording(on) -> before
static int set_recording(lua_State *L) {
   lua_pushboolean(L, sc_set_recording(lua_toboolean(L, 1)));
   return 1;
}

// scute.manual_seed(n): everything random that follows depends on it alone
static int manual_seed(lua_State *L) {
   *sc_rng() = (ScRng){.seed = (uint64_t)luaL_checkinteger(L, 1)};
   return 0;
}

// scute.rng_state() -> {seed, next_stream}; scute.rng_state(state) restores it
static int rng_state(lua_State *L) {
   if (lua_istable(L, 1)) {
      lua_geti(L, 1, 1);
      lua_geti(L, 1, 2);
      *sc_rng() = (ScRng){(uint64_t)luaL_checkinteger(L, -2), (uint64_t)luaL_checkinteger(L, -1)};
      return 0;
   }
   lua_createtable(L, 2, 0);
   lua_pushinteger(L, (lua_Integer)sc_rng()->seed);
   lua_rawseti(L, -2, 1);
   lua_pushinteger(L, (lua_Integer)sc_rng()->next_stream);
   lua_rawseti(L, -2, 2);
   return 1;
}

// scute.threads([n]) -> number of compute threads
static int threads(lua_State *L) {
   if (!lua_isnoneornil(L, 1)) {
      lua_Integer n = luaL_checkinteger(L, 1);
      if (n < 1 || n > 1024) return luaL_error(L, "threads: expected 1 to 1024, found %I", (LUAI_UACINT)n);
      omp_set_num_threads((int)n);
   }
   lua_pushinteger(L, omp_get_max_threads());
   return 1;
}

static void set_bytes(lua_State *L, const char *key, size_t bytes) {
   lua_pushinteger(L, (lua_Integer)bytes);
   lua_setfield(L, -2, key);
}

// scute.memory(device = "cpu") -> {live, cached, peak} in bytes
static int memory(lua_State *L) {
   ScDevice *device;
   sc_check(L, sc_device_find(luaL_optstring(L, 1, "cpu"), &device));
   ScMemory m = sc_device_memory(device);
   lua_createtable(L, 0, 3);
   set_bytes(L, "live", m.live);
   set_bytes(L, "cached", m.cached);
   set_bytes(L, "peak", m.peak);
   return 1;
}

// scute.memory_limit(bytes): allocation beyond that many live bytes fails; 0 is no limit
static int memory_limit(lua_State *L) {
   sc_memory_limit((size_t)luaL_checkinteger(L, 1));
   return 0;
}

// scute.flush(): collects garbage and gives cached memory back
static int flush(lua_State *L) {
   lua_gc(L, LUA_GCCOLLECT);
   sc_flush_devices();
   return 0;
}

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

// scute.nearest(name, list) -> the entry of the list that was probably meant, or nil
static int nearest(lua_State *L) {
   const char *name = luaL_checkstring(L, 1);
   luaL_checktype(L, 2, LUA_TTABLE);
   int n = (int)luaL_len(L, 2);
   const char **names = lua_newuserdatauv(L, (size_t)(n + 1) * sizeof *names, 0);
   for (int i = 0; i < n; i++) {
      lua_geti(L, 2, i + 1);
      names[i] = luaL_checkstring(L, -1); // the table keeps it alive
      lua_pop(L, 1);
   }
   int best = sc_nearest(name, n, names);
   if (best < 0)
      lua_pushnil(L);
   else
      lua_pushstring(L, names[best]);
   return 1;
}

static const luaL_Reg functions[] = {{"no_grad", no_grad},           {"set_recording", set_recording},
                                     {"autocast", autocast},         {"computes", computes},
                                     {"manual_seed", manual_seed},   {"rng_state", rng_state},
                                     {"threads", threads},           {"memory", memory},
                                     {"memory_limit", memory_limit}, {"flush", flush},
                                     {"profile", profile},           {"clock", clock_},
                                     {"nearest", nearest},           {NULL, NULL}};

static void open_session(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_session)
