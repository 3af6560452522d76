// What ops that a script declared run on a GPU: compiled when a call first needs it, by the function of Lua
// that knows the op's text (lua/scute/kernel/cuda.lua).
#include <stdlib.h>

#include "host/bind/bind.h"
#include "host/bind/error.h"
#include "host/bind/interrupt.h"
#include "host/ops/own_prepare.h"

static const char FUNCTIONS[] = "scute.own_gpu"; // in the registry: by op a list of functions
enum { MAKE = 1, GRID, GRID_BACKWARD };

static ScDevice *check_gpu(lua_State *L, int index) {
   ScDevice *device;
   sc_check(L, sc_device_find(luaL_checkstring(L, index), &device));
   if (!device->backend->compile) luaL_error(L, "%s has nothing that compiles a kernel", device->name);
   return device;
}

// scute.own_gpu_by(op, make[, grid[, grid_backward]]): make(device, dtype) is called when a call of the op
// finds no code on that device; grid(shape of each input ..., numbers ...) -> blocks and threads of a launch,
// three each
static int own_gpu_by(lua_State *L) {
   luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
   luaL_checktype(L, 2, LUA_TFUNCTION);
   lua_settop(L, 4);
   luaL_getsubtable(L, LUA_REGISTRYINDEX, FUNCTIONS);
   lua_createtable(L, 3, 0);
   for (int i = 0; i < 3; i++) lua_pushvalue(L, 2 + i), lua_rawseti(L, -2, MAKE + i);
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

// Pushes a function of an op, or nil.
static void push_function(lua_State *L, const ScOwnOp *own, int which) {
   luaL_getsubtable(L, LUA_REGISTRYINDEX, FUNCTIONS);
   if (lua_rawgetp(L, -1, own) == LUA_TTABLE) lua_rawgeti(L, -1, which);
}

static ScStatus protected(lua_CFunction function, void *request) {
   lua_State *L = sc_running_state();
   if (!lua_checkstack(L, LUA_MINSTACK)) return sc_fail(SC_EMEM, "out of memory");
   int top = lua_gettop(L);
   lua_pushcfunction(L, function);
   lua_pushlightuserdata(L, request);
   int how = lua_pcall(L, 1, 0, 0);
   ScStatus status = how == LUA_OK ? SC_OK : sc_status_of_error(L, how);
   lua_settop(L, top);
   return status;
}

typedef struct {
   ScOwnOp *own;
   ScDevice *device;
   ScDtype dtype;
} Code;

static int make_code(lua_State *L) {
   const Code *code = lua_touserdata(L, 1);
   push_function(L, code->own, MAKE);
   if (lua_isnil(L, -1)) {
      lua_pushfstring(L, "%s: it has no text for a GPU: give it one, as option 'cuda', or tensors on the CPU",
                      code->own->op.name);
      return lua_error(L);
   }
   lua_pushstring(L, code->device->name);
   lua_pushstring(L, sc_dtype_name(code->dtype));
   lua_call(L, 2, 0);
   return 0;
}

static ScStatus prepare(ScOwnOp *own, ScDevice *device, ScDtype dtype) {
   return protected(make_code, &(Code){own, device, dtype});
}

typedef struct {
   const ScCall *call;
   bool backward, is_told;
   unsigned *grid;
} Grid;

// As the script has it: a whole number is an integer, by which sizes are divided.
static void push_number(lua_State *L, double x) {
   lua_pushnumber(L, x);
   lua_Integer whole;
   if (!lua_numbertointeger(x, &whole) || (lua_Number)whole != x) return;
   lua_pop(L, 1);
   lua_pushinteger(L, whole);
}

static int ask_grid(lua_State *L) {
   Grid *g = lua_touserdata(L, 1);
   const ScCall *c = g->call;
   const ScOwnOp *own = sc_own_op(c);
   push_function(L, own, g->backward ? GRID_BACKWARD : GRID);
   if (lua_isnil(L, -1)) return 0;
   luaL_checkstack(L, SC_MAXPARAM + LUA_MINSTACK, NULL);
   for (int i = 0; i < c->nin; i++) {
      lua_createtable(L, c->in[i]->rank, 0);
      for (int d = 0; d < c->in[i]->rank; d++)
         lua_pushinteger(L, c->in[i]->shape[d]), lua_rawseti(L, -2, d + 1);
   }
   double numbers[SC_MAXPARAM];
   sc_own_op_numbers(c, numbers);
   for (int i = 0; i < own->nnumbers; i++) push_number(L, numbers[i]);
   lua_call(L, c->nin + own->nnumbers, 6);
   for (int i = 0; i < 6; i++) g->grid[i] = (unsigned)luaL_checkinteger(L, i - 6);
   g->is_told = true;
   return 0;
}

static ScStatus grid_of(const ScCall *c, bool backward, bool *is_told, unsigned grid[6]) {
   Grid g = {.call = c, .backward = backward, .grid = grid};
   ScStatus status = protected(ask_grid, &g);
   *is_told = g.is_told;
   return status;
}

static const luaL_Reg functions[] = {{"own_gpu_by", own_gpu_by},
                                     {"own_gpu_compiler", own_gpu_compiler},
                                     {"own_gpu_compile", own_gpu_compile},
                                     {"own_gpu_load", own_gpu_load},
                                     {NULL, NULL}};

static void open_own_gpu(lua_State *L) {
   sc_own_op_prepare_by(prepare, grid_of);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_own_gpu)
