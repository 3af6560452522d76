// The controls of softgpu.h for scripts: local softgpu = require "softgpu", with package.cpath at the built
// library. Functions have the names there without softgpu_.
#include <lauxlib.h>
#include <lua.h>
#include "../softgpu.h"

static int calls(lua_State *L) { // ([function]) -> calls of it since the start, or of all
   lua_pushinteger(L, (lua_Integer)softgpu_calls(luaL_optstring(L, 1, NULL)));
   return 1;
}

static int functions_called(lua_State *L) { // () -> {function = calls since the start}
   const char *name;
   lua_newtable(L);
   for (size_t i = 0; (name = softgpu_function(i)); i++) {
      lua_pushinteger(L, (lua_Integer)softgpu_calls(name));
      lua_setfield(L, -2, name);
   }
   return 1;
}

static int launches(lua_State *L) { // () -> {kernel = launches since the start}, kernels as their C++ name says
   const char *name;
   size_t n;
   lua_newtable(L);
   for (size_t i = 0; (name = softgpu_kernel(i, &n)); i++) {
      lua_pushinteger(L, (lua_Integer)n);
      lua_setfield(L, -2, name);
   }
   return 1;
}

static int synchronisations(lua_State *L) { // ([function]) -> how many calls waited for the device
   lua_pushinteger(L, (lua_Integer)softgpu_synchronisations(luaL_optstring(L, 1, NULL)));
   return 1;
}

static int fail(lua_State *L) { // (function or "*", n[, status]): the n-th call from now on
   lua_Integer n = luaL_checkinteger(L, 2);
   luaL_argcheck(L, n > 0, 2, "counts from 1");
   softgpu_fail(luaL_checkstring(L, 1), (size_t)n, (int)luaL_optinteger(L, 3, 0));
   return 0;
}

static int fail_nothing(lua_State *L) {
   (void)L;
   softgpu_fail_nothing();
   return 0;
}

static int failures_injected(lua_State *L) {
   lua_pushinteger(L, (lua_Integer)softgpu_failures_injected());
   return 1;
}

static int last_failure(lua_State *L) { // -> name of the function that failed last
   lua_pushstring(L, softgpu_last_failure());
   return 1;
}

static int live(lua_State *L) { // ([kind]) -> live objects
   lua_pushinteger(L, (lua_Integer)softgpu_live(luaL_optstring(L, 1, NULL)));
   return 1;
}

static int violations(lua_State *L) { // -> how many, the last one
   lua_pushinteger(L, (lua_Integer)softgpu_violations());
   lua_pushstring(L, softgpu_last_violation());
   return 2;
}

static int revive(lua_State *L) {
   (void)L;
   softgpu_revive();
   return 0;
}

static int order(lua_State *L) { // (streams)
   softgpu_order(luaL_checkstring(L, 1));
   return 0;
}

static int thread_order(lua_State *L) { // (threads)
   softgpu_thread_order(luaL_checkstring(L, 1));
   return 0;
}

static int pending(lua_State *L) {
   lua_pushinteger(L, (lua_Integer)softgpu_pending());
   return 1;
}

__attribute__((visibility("default"))) int luaopen_softgpu(lua_State *L) {
   static const luaL_Reg functions[] = {{"calls", calls},
                                        {"functions", functions_called},
                                        {"launches", launches},
                                        {"synchronisations", synchronisations},
                                        {"fail", fail},
                                        {"fail_nothing", fail_nothing},
                                        {"failures_injected", failures_injected},
                                        {"last_failure", last_failure},
                                        {"live", live},
                                        {"violations", violations},
                                        {"revive", revive},
                                        {"order", order},
                                        {"thread_order", thread_order},
                                        {"pending", pending},
                                        {NULL, NULL}};
   luaL_newlib(L, functions);
   return 1;
}
