// Differentiable functions written in Lua, see lua/scute/func.lua: their node on the tape is a C function that
// calls Lua under protection, and a reference to the Lua function.
#include <stdlib.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/bind/interrupt.h"
#include "host/core/function.h"
#include "host/core/tape.h"

typedef struct {
   ScFunction base;
   int reference; // of the backward, in the registry
   int nsaved;
   ScTensor **saved; // own aliases, so that nothing that the tape refers to leads back to it
   char name[];
} LuaFunction;

static void release(ScFunction *base) {
   LuaFunction *f = (LuaFunction *)base;
   luaL_unref(sc_running_state(), LUA_REGISTRYINDEX, f->reference); // touches keys that exist: cannot fail
   for (int i = 0; i < f->nsaved; i++) sc_tensor_release(f->saved[i]);
   free(f->saved);
   free(f);
}

// ---- backward ----

static void push_alias(lua_State *L, const ScTensor *t) {
   if (!t) {
      lua_pushnil(L);
      return;
   }
   ScTensor **handle = sc_push_handle(L);
   sc_check(L, sc_tensor_alias(handle, t, t->rank, t->shape));
}

static void take_gradients(lua_State *L, ScCall *call, int first) {
   int n = lua_gettop(L) - first + 1;
   if (n > call->nin)
      luaL_error(L, "expected at most %d gradients, one for each argument of forward, found %d", call->nin, n);
   for (int i = 0; i < n; i++) {
      if (lua_isnil(L, first + i)) continue;
      if (!sc_test_tensor(L, first + i))
         luaL_error(L, "gradient %d: expected a tensor or nil, found %s", i + 1,
                    sc_describe_value(L, first + i));
      const ScTensor *t = sc_test_tensor(L, first + i);
      if (!call->needs_grad[i]) continue;
      sc_check(L, sc_tensor_alias(&call->grad_in[i], t, t->rank, t->shape)); // the call owns what is there
   }
}

// backward(saved, gradient of each output) -> gradient of each input
static int call_backward(lua_State *L) {
   LuaFunction *f = lua_touserdata(L, 1);
   ScCall *call = lua_touserdata(L, 2);
   sc_account(L);
   lua_rawgeti(L, LUA_REGISTRYINDEX, f->reference);
   lua_createtable(L, f->nsaved, 0);
   for (int i = 0; i < f->nsaved; i++) {
      push_alias(L, f->saved[i]);
      lua_rawseti(L, -2, i + 1);
   }
   for (int i = 0; i < call->nout; i++) push_alias(L, call->grad_out[i]);
   lua_call(L, 1 + call->nout, LUA_MULTRET);
   take_gradients(L, call, 3);
   return 0;
}

static int to_text(lua_State *L) {
   luaL_tolstring(L, 1, NULL);
   return 1;
}

static ScStatus run_backward(ScFunction *base, ScCall *call) {
   lua_State *L = sc_running_state();
   if (!lua_checkstack(L, 4)) return sc_fail(SC_EMEM, "out of memory");
   int top = lua_gettop(L);
   lua_pushcfunction(L, call_backward);
   lua_pushlightuserdata(L, base);
   lua_pushlightuserdata(L, call);
   ScStatus status = SC_OK;
   if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
      lua_pushcfunction(L, to_text);
      lua_insert(L, -2);
      bool told = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1);
      status = sc_fail(SC_ELUA, "%s", told ? lua_tostring(L, -1) : "an error that cannot be shown");
   }
   lua_settop(L, top);
   return status;
}

// ---- recording ----

typedef struct {
   const char *name;
   int reference, nin, nout, nsaved;
   ScTensor **in, **saved;
   ScTensor ***out; // handles
} Record;

static LuaFunction *new_function(const Record *r) {
   size_t length = strlen(r->name) + 1;
   LuaFunction *f = calloc(1, sizeof *f + length);
   ScTensor **saved = calloc((size_t)r->nsaved + 1, sizeof *saved);
   if (!f || !saved) {
      free(f);
      free(saved);
      return NULL;
   }
   memcpy(f->name, r->name, length);
   f->base = (ScFunction){f->name, run_backward, release};
   f->reference = r->reference;
   f->saved = saved;
   return f;
}

static ScStatus tie(const Record *r) {
   LuaFunction *f = new_function(r);
   if (!f)
      return luaL_unref(sc_running_state(), LUA_REGISTRYINDEX, r->reference), sc_fail(SC_EMEM, "out of memory");
   ScStatus status = SC_OK;
   for (; status == SC_OK && f->nsaved < r->nsaved; f->nsaved += status == SC_OK) {
      const ScTensor *t = r->saved[f->nsaved];
      status = sc_tensor_alias(&f->saved[f->nsaved], t, t->rank, t->shape);
   }
   ScTensor *out[SC_MAXOUT];
   for (int i = 0; i < r->nout; i++) out[i] = *r->out[i];
   if (status == SC_OK) return sc_function_record(&f->base, r->nin, r->in, r->nout, out);
   release(&f->base);
   return status;
}

// The tensors of a list, in memory of Lua's; entries that are none are NULL where `sparse`, else an error.
static ScTensor **read_list(lua_State *L, int index, int n, const char *name, const char *what, bool sparse) {
   ScTensor **list = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *list, 0);
   for (int i = 0; i < n; i++) {
      lua_geti(L, index, i + 1);
      list[i] = sc_test_tensor(L, -1);
      if (!list[i] && !sparse)
         luaL_error(L, "%s: %s %d: expected a tensor, found %s", name, what, i + 1, sc_describe_value(L, -1));
      lua_pop(L, 1); // the list keeps it alive
   }
   return list;
}

static bool any_needs_grad(const Record *r) {
   for (int i = 0; i < r->nin; i++)
      if (sc_needs_grad(r->in[i])) return sc_is_recording();
   return false;
}

// scute.record_function(name, backward, inputs, outputs, saved) -> outputs, tied to the inputs by
// backward(saved, gradient of each output) -> gradient of each input. inputs has a field n and may have entries
// that are no tensors. What scute.func is made of.
static int record_function(lua_State *L) {
   Record r = {.name = luaL_checkstring(L, 1)};
   luaL_checktype(L, 2, LUA_TFUNCTION);
   for (int i = 3; i <= 5; i++) luaL_checktype(L, i, LUA_TTABLE);
   lua_getfield(L, 3, "n");
   r.nin = (int)luaL_checkinteger(L, -1);
   r.nout = (int)luaL_len(L, 4);
   r.nsaved = (int)luaL_len(L, 5);
   if (r.nout > SC_MAXOUT)
      return luaL_error(L, "%s: forward: expected at most %d outputs, found %d", r.name, SC_MAXOUT, r.nout);
   r.in = read_list(L, 3, r.nin, r.name, "argument", true);
   r.saved = read_list(L, 5, r.nsaved, r.name, "save_for_backward", false);
   ScTensor **from = read_list(L, 4, r.nout, r.name, "output", false), **handles[SC_MAXOUT];
   luaL_checkstack(L, SC_MAXOUT + 4, "too many outputs");
   for (int i = 0; i < r.nout; i++) {
      handles[i] = sc_push_handle(L);
      sc_check(L, sc_tensor_alias(handles[i], from[i], from[i]->rank, from[i]->shape));
   }
   r.out = handles;
   if (!any_needs_grad(&r)) return r.nout;
   lua_pushvalue(L, 2);
   r.reference = luaL_ref(L, LUA_REGISTRYINDEX);
   sc_check(L, tie(&r));
   return r.nout;
}

static void open_function(lua_State *L) {
   lua_pushcfunction(L, record_function);
   lua_setfield(L, -2, "record_function");
}
SC_OPENER(open_function)
