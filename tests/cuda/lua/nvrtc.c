// A real NVRTC for scripts: local nvrtc = require "nvrtc". It needs no GPU.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <lauxlib.h>
#include <lua.h>
#include <nvrtc.h>
#include <stdlib.h>

static struct {
   __typeof__(nvrtcCreateProgram) *create;
   __typeof__(nvrtcCompileProgram) *compile;
   __typeof__(nvrtcGetProgramLogSize) *log_size;
   __typeof__(nvrtcGetProgramLog) *log;
   __typeof__(nvrtcDestroyProgram) *destroy;
} nvrtc;

// (path) -> whether the library is there
static int open(lua_State *L) {
   void *library = dlopen(luaL_checkstring(L, 1), RTLD_NOW | RTLD_LOCAL);
   lua_pushboolean(L, library != NULL);
   if (!library) return 1;
   *(void **)&nvrtc.create = dlsym(library, "nvrtcCreateProgram");
   *(void **)&nvrtc.compile = dlsym(library, "nvrtcCompileProgram");
   *(void **)&nvrtc.log_size = dlsym(library, "nvrtcGetProgramLogSize");
   *(void **)&nvrtc.log = dlsym(library, "nvrtcGetProgramLog");
   *(void **)&nvrtc.destroy = dlsym(library, "nvrtcDestroyProgram");
   return 1;
}

// (source, options ...) -> whether it compiles, the log
static int compile(lua_State *L) {
   enum { MOST = 8 };
   const char *options[MOST];
   int n = lua_gettop(L) - 1;
   luaL_argcheck(L, n >= 0 && n <= MOST, 1, "too many options");
   for (int i = 0; i < n; i++) options[i] = luaL_checkstring(L, 2 + i);
   nvrtcProgram program;
   if (nvrtc.create(&program, luaL_checkstring(L, 1), "kernel", 0, NULL, NULL))
      return luaL_error(L, "no program");
   int ok = nvrtc.compile(program, n, options) == NVRTC_SUCCESS;
   size_t size = 0;
   nvrtc.log_size(program, &size);
   char *log = calloc(1, size + 1);
   if (log) nvrtc.log(program, log);
   nvrtc.destroy(&program);
   lua_pushboolean(L, ok);
   lua_pushstring(L, log ? log : "");
   free(log);
   return 2;
}

static const luaL_Reg functions[] = {{"open", open}, {"compile", compile}, {NULL, NULL}};

int luaopen_nvrtc(lua_State *L);

__attribute__((visibility("default"))) int luaopen_nvrtc(lua_State *L) {
   luaL_newlib(L, functions);
   return 1;
}
