// Ops that a script declares (lua/scute/kernel.lua): reading the declaration, and giving them what was
// compiled.
#include "host/ops/own_op.h"

#include <string.h>

#include "host/bind/bind.h"
#include "host/bind/op.h"

static ScOwnOp *check_op(lua_State *L, int index) {
   luaL_checktype(L, index, LUA_TLIGHTUSERDATA);
   return lua_touserdata(L, index);
}

static const char *text_field(lua_State *L, const char *name) {
   if (sc_raw_field(L, 1, name) != LUA_TSTRING) luaL_error(L, "own_op: field '%s': expected a text", name);
   return lua_tostring(L, -1); // stays on the stack
}

// The names in a list; they stay on the stack.
static int read_names(lua_State *L, const char *field, int most, const char **names) {
   if (sc_raw_field(L, 1, field) != LUA_TTABLE) luaL_error(L, "own_op: field '%s': expected a table", field);
   int list = lua_gettop(L), n = sc_list_length(L, list, "own_op");
   if (n > most) luaL_error(L, "own_op: field '%s': at most %d, found %d", field, most, n);
   for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, list, i + 1) != LUA_TSTRING)
         luaL_error(L, "own_op: field '%s': expected texts", field);
      names[i] = lua_tostring(L, -1);
   }
   return n;
}

static unsigned mask_field(lua_State *L, const char *name) {
   sc_raw_field(L, 1, name);
   return (unsigned)luaL_checkinteger(L, -1);
}

static void read_presets(lua_State *L, ScOwnDeclaration *d) {
   if (sc_raw_field(L, 1, "presets") != LUA_TTABLE) luaL_error(L, "own_op: field 'presets': expected a table");
   int list = lua_gettop(L);
   for (int i = 0; i < d->nnumbers; i++) {
      lua_rawgeti(L, list, i + 1);
      d->presets[i] = luaL_checknumber(L, -1);
   }
}

// scute.own_op(declaration) -> what calls an op made of it as an object's __call, the op. Fields: name, doc,
// kernel and text, texts; inputs, outputs and numbers, lists of names; presets, a list of numbers; gradients,
// keep_in and keep_out, masks (bit i: the i-th, from 0). The same name and text is the same op. What
// scute.kernel is made of.
static int own_op(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   luaL_checkstack(L, 4 * SC_MAXPARAM + LUA_MINSTACK, "too many names");
   ScOwnDeclaration d = {.name = text_field(L, "name"),
                         .doc = text_field(L, "doc"),
                         .kernel = text_field(L, "kernel"),
                         .text = text_field(L, "text")};
   d.ninputs = read_names(L, "inputs", SC_MAXPARAM, d.inputs);
   d.outputs[0] = NULL;
   d.noutputs = read_names(L, "outputs", SC_MAXOUT, d.outputs);
   d.nnumbers = read_names(L, "numbers", SC_MAXPARAM - d.ninputs, d.numbers);
   if (d.ninputs < 1 || d.noutputs < 1) return luaL_error(L, "own_op: expected an input and an output");
   read_presets(L, &d);
   d.gradients = mask_field(L, "gradients");
   d.keep_in = mask_field(L, "keep_in"), d.keep_out = mask_field(L, "keep_out");
   d.shaped = sc_raw_field(L, 1, "shaped") != LUA_TNIL && lua_toboolean(L, -1);
   if (d.shaped && d.ninputs + d.nnumbers + d.noutputs > SC_MAXPARAM)
      return luaL_error(L, "own_op: too many names");
   ScOwnOp *own;
   bool is_new;
   sc_check(L, sc_own_op_new(&d, &own, &is_new));
   sc_push_op_call(L, &own->op);
   lua_pushlightuserdata(L, own);
   return 2;
}

// scute.own_op_open(op, path): from now on the op's loops on the CPU are those of a library that was compiled
// for it
static int own_op_open(lua_State *L) {
   ScOwnOp *own = check_op(L, 1);
   const ScOwnLoops *loops;
   sc_check(L, sc_own_loops_open(luaL_checkstring(L, 2), own->gradients != 0, &loops));
   sc_own_op_set_code(own, SC_OWN_HOST, loops);
   return 0;
}

// scute.own_op_has_code(op) -> whether the CPU has loops of it
static int own_op_has_code(lua_State *L) {
   lua_pushboolean(L, check_op(L, 1)->code[SC_OWN_HOST] != NULL);
   return 1;
}

// scute.own_op_compiler() -> the C compiler that scute was built with, as it was typed
static int own_op_compiler(lua_State *L) {
   lua_pushliteral(L, SC_CC);
   return 1;
}

static const luaL_Reg functions[] = {{"own_op", own_op},
                                     {"own_op_open", own_op_open},
                                     {"own_op_has_code", own_op_has_code},
                                     {"own_op_compiler", own_op_compiler},
                                     {NULL, NULL}};

static void open_own_op(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_own_op)
