// What ops that a script declared run on a GPU: compiled when a call first needs it, by the function of Lua
// that knows the op's text (lua/scute/kernel/cuda.lua).
#include <stdlib.h>

#include "host/bind/bind.h"
#include "host/bind/error.h"
#include "host/bind/interrupt.h"
#include "host/ops/own_prepare.h"

static const char FUNCTIONS[] = "scute.own_gpu"; // in the registry: functions by op

static ScDevice *check_gpu(lua_State *L, int index) {
   ScDevice *device;
   sc_check(L, sc_device_find(luaL_checkstring(L, index), &device));
   if (!device->backend->compile) luaL_error(L, "%s has nothing that compiles a kernel", device->name);
   return device;
}

// scute.own_gpu_by(op, function(device, dtype)): what is called when a call of the op finds no code on that
// device
static int own_gpu_by(lua_State *L) {
   luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
   luaL_checktype(L, 2, LUA_TFUNCTION);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, FUNCTIONS);
   lua_pushvalue(L, 2);
   lua_rawsetp(L, -2, lua_touserdata(L, 1));
   return 0;
}

// scute.own_gpu_compiler(device) -> what compiles for it, with its version and the kind of GPU
static int own_gpu_compiler(lua_State *L) {
   char name[64];
   ScDevice *device = check_gpu(L, 1);
   sc_check(L, device->backend->compiler(device, name));
   lua_pushstring(L, name);
   return 1;
}

static int push_code(lua_State *L) {
   lua_pushlstring(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
   return 1;
}

// scute.own_gpu_compile(device, source) -> its code, as a string of bytes
static int own_gpu_compile(lua_State *L) {
   void *code;
   size_t bytes;
   ScDevice *device = check_gpu(L, 1);
   sc_check(L, device->backend->compile(device, luaL_checkstring(L, 2), &code, &bytes));
   lua_pushcfunction(L, push_code);
   lua_pushlightuserdata(L, code);
   lua_pushinteger(L, (lua_Integer)bytes);
   int how = lua_pcall(L, 2, 1, 0);
   free(code);
   return how == LUA_OK ? 1 : lua_error(L);
}

// scute.own_gpu_load(op, device, dtype, code): from now on it is what the op runs there
static int own_gpu_load(lua_State *L) {
   ScDtype dtype;
   ScDevice *device = check_gpu(L, 2);
   luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
   if (!sc_dtype_parse(luaL_checkstring(L, 3), &dtype)) luaL_argerror(L, 3, "expected a dtype");
   const ScOwnOp *own = lua_touserdata(L, 1);
   sc_check(L, device->backend->load(device, &own->op, dtype, luaL_checkstring(L, 4)));
   return 0;
}

// ---- asked from below ----

static int call_function(lua_State *L) {
   ScDevice *device = lua_touserdata(L, 2);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, FUNCTIONS);
   lua_rawgetp(L, -1, lua_touserdata(L, 1));
   lua_pushstring(L, device->name);
   lua_pushstring(L, sc_dtype_name((ScDtype)lua_tointeger(L, 3)));
   lua_call(L, 2, 0);
   return 0;
}

static ScStatus prepare(ScOwnOp *own, ScDevice *device, ScDtype dtype) {
   lua_State *L = sc_running_state();
   if (!lua_checkstack(L, LUA_MINSTACK)) return sc_fail(SC_EMEM, "out of memory");
   int top = lua_gettop(L);
   lua_pushcfunction(L, call_function);
   lua_pushlightuserdata(L, own);
   lua_pushlightuserdata(L, device);
   lua_pushinteger(L, dtype);
   int how = lua_pcall(L, 3, 0, 0);
   ScStatus status = how == LUA_OK ? SC_OK : sc_status_of_error(L, how);
   lua_settop(L, top);
   return status;
}

static const luaL_Reg functions[] = {{"own_gpu_by", own_gpu_by},
                                     {"own_gpu_compiler", own_gpu_compiler},
                                     {"own_gpu_compile", own_gpu_compile},
                                     {"own_gpu_load", own_gpu_load},
                                     {NULL, NULL}};

static void open_own_gpu(lua_State *L) {
   sc_own_op_prepare_by(prepare);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_own_gpu)
