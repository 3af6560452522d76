// A monitor, whose samples say how the machine is doing.
#include "host/machine/monitor.h"

#include <math.h>

#include "host/bind/bind.h"

#define TYPE "scute.monitor"

// monitor:free(): ends it; also on collection and <close>
static int release(lua_State *L) {
   ScMonitor **handle = luaL_checkudata(L, 1, TYPE);
   sc_monitor_free(*handle);
   *handle = NULL;
   return 0;
}

// scute.monitor() -> monitor; its samples say what happened since the one before. root: a folder to read
// instead of / (for tests)
static int new_monitor(lua_State *L) {
   const char *root = luaL_optstring(L, 1, "");
   ScMonitor **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, TYPE);
   sc_check(L, sc_monitor_new(root, NULL, handle));
   return 1;
}

static void set(lua_State *L, const char *key, double value) {
   if (isnan(value)) return;
   lua_pushnumber(L, value);
   lua_setfield(L, -2, key);
}

static void push_gpu(lua_State *L, const ScGpu *gpu) {
   lua_createtable(L, 0, 8);
   lua_pushinteger(L, gpu->index);
   lua_setfield(L, -2, "index");
   lua_pushstring(L, gpu->name);
   lua_setfield(L, -2, "name");
   set(L, "memory", gpu->memory_used);
   set(L, "memory_total", gpu->memory_total);
   set(L, "use", gpu->use);
   set(L, "power", gpu->power);
   set(L, "temperature", gpu->temperature);
   lua_pushboolean(L, gpu->hot || gpu->slowed);
   lua_setfield(L, -2, "throttled");
   if (gpu->hot || gpu->slowed) {
      lua_pushstring(L, gpu->hot ? "heat" : "power or a protection of the hardware");
      lua_setfield(L, -2, "why");
   }
}

// monitor:sample() -> { memory, peak_memory (bytes of this process), available (bytes that could still be had),
// cores (that this process kept busy since the last sample), machine (share of all cores that were busy),
// temperature (degrees Celsius), throttled, gpus = list of { index, name, memory, memory_total, use (0..1),
// power (watts), temperature, throttled, why } }; what the system does not tell is nil
static int sample(lua_State *L) {
   ScMonitor **handle = luaL_checkudata(L, 1, TYPE);
   if (!*handle) return luaL_error(L, "sample: this monitor was freed by :free() or <close>");
   ScSample s;
   sc_monitor_sample(*handle, &s);
   lua_createtable(L, 0, 8);
   set(L, "memory", s.resident);
   set(L, "peak_memory", s.peak_resident);
   set(L, "available", s.available);
   set(L, "cores", s.cores);
   set(L, "machine", s.machine);
   set(L, "temperature", s.temperature);
   lua_pushboolean(L, s.throttled);
   lua_setfield(L, -2, "throttled");
   lua_createtable(L, s.ngpus, 0);
   for (int i = 0; i < s.ngpus; i++) {
      push_gpu(L, &s.gpus[i]);
      lua_rawseti(L, -2, i + 1);
   }
   lua_setfield(L, -2, "gpus");
   return 1;
}

static const luaL_Reg methods[] = {{"sample", sample}, {"free", release}, {NULL, NULL}};

static void open_monitor(lua_State *L) {
   sc_new_type(L, TYPE, methods, release);
   lua_pushcfunction(L, new_monitor);
   lua_setfield(L, -2, "monitor");
}
SC_OPENER(open_monitor)
