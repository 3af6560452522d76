// How the ops of a part of a program run: recorded or not, and in which width.
#include "host/bind/bind.h"
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

// scute.set_recording(on) -> before
static int set_recording(lua_State *L) {
   lua_pushboolean(L, sc_set_recording(lua_toboolean(L, 1)));
   return 1;
}

static const luaL_Reg functions[] = {
    {"no_grad", no_grad}, {"set_recording", set_recording}, {"autocast", autocast}, {NULL, NULL}};

static void open_modes(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_modes)
