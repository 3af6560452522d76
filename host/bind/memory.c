// Memory of devices: how much there is in use, a limit, and giving it back.
#include <stdlib.h>

#include "host/bind/bind.h"
#include "host/core/device.h"
#include "host/core/redo.h"

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
   lua_Integer bytes = luaL_checkinteger(L, 1);
   if (bytes < 0) return luaL_error(L, "memory_limit: expected at least 0 bytes, found %I", (LUAI_UACINT)bytes);
   sc_memory_limit((size_t)bytes);
   return 0;
}

// scute.memory_for_speed(bytes = 64 MiB): what a training step on the host may keep though backward could
// compute it again; 0 is the least memory, and results are the same bits
static int memory_for_speed(lua_State *L) {
   lua_Integer bytes = luaL_optinteger(L, 1, SC_SPARED);
   if (bytes < 0)
      return luaL_error(L, "memory_for_speed: expected at least 0 bytes, found %I", (LUAI_UACINT)bytes);
   sc_redo_above((size_t)bytes);
   return 0;
}

// scute.flush(): collects garbage and gives cached memory back
static int flush(lua_State *L) {
   lua_gc(L, LUA_GCCOLLECT);
   sc_flush_devices();
   return 0;
}

// scute.make_room(bytes): fails where so much memory is not free: to be asked before a library that ends the
// program where it finds none
static int make_room(lua_State *L) {
   void *room = malloc((size_t)luaL_checkinteger(L, 1));
   if (!room) sc_check(L, sc_fail(SC_EMEM, "out of memory"));
   free(room);
   return 0;
}

static const luaL_Reg functions[] = {
    {"memory", memory}, {"memory_limit", memory_limit}, {"memory_for_speed", memory_for_speed},
    {"flush", flush},   {"make_room", make_room},       {NULL, NULL}};

static void open_memory(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_memory)
