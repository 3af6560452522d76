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

enum { MOST_INPUTS = 1000000 }; // more than any call has arguments

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

static ScStatus run_backward(ScFunction *base, ScCall *call) {
   lua_State *L = sc_running_state();
   if (!lua_checkstack(L, LUA_MINSTACK)) return sc_fail(SC_EMEM, "out of memory");
   int top = lua_gettop(L);
   lua_pushcfunction(L, call_backward);
   lua_pushlightuserdata(L, base);
   lua_pushlightuserdata(L, call);
   int how = lua_pcall(L, 2, 0, 0);
   ScStatus status = how == LUA_OK ? SC_OK : sc_status_of_error(L, how);
   lua_settop(L, top);
   return status;
}

// ---- recording ----

// Tensors of a list: their handles, which the Lua stack keeps, and what these hold once they were looked into.
typedef struct {
   int n;
   ScTensor ***handles, **tensors; // NULL for an entry that is no tensor
} List;

typedef struct {
   const char *name;
   int reference; // of the backward, in the registry
   List in, from, saved;
   ScTensor **out[SC_MAXOUT]; // handles of the results
} Record;

static LuaFunction *new_function(const Record *r) {
   size_t length = strlen(r->name) + 1;
   LuaFunction *f = calloc(1, sizeof *f + length);
   ScTensor **saved = calloc((size_t)r->saved.n + 1, sizeof *saved);
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
   for (; status == SC_OK && f->nsaved < r->saved.n; f->nsaved += status == SC_OK) {
      const ScTensor *t = r->saved.tensors[f->nsaved];
      status = sc_tensor_alias(&f->saved[f->nsaved], t, t->rank, t->shape);
   }
   ScTensor *out[SC_MAXOUT];
   for (int i = 0; i < r->from.n; i++) out[i] = *r->out[i];
   if (status == SC_OK) return sc_function_record(&f->base, r->in.n, r->in.tensors, r->from.n, out);
   release(&f->base);
   return status;
}

static bool any_needs_grad(const Record *r) {
   for (int i = 0; i < r->in.n; i++)
      if (sc_needs_grad(r->in.tensors[i])) return sc_is_recording();
   return false;
}

static ScStatus look_into(const Record *r, const List *list) {
   for (int i = 0; i < list->n; i++) {
      list->tensors[i] = list->handles[i] ? *list->handles[i] : NULL;
      if (list->handles[i] && !list->tensors[i])
         return sc_fail(SC_EARG, "%s: a tensor was freed while the arguments were read", r->name);
   }
   return SC_OK;
}

// The results, outside the tape as yet.
static ScStatus make_results(const Record *r) {
   SC_TRY(look_into(r, &r->in));
   SC_TRY(look_into(r, &r->from));
   SC_TRY(look_into(r, &r->saved));
   for (int i = 0; i < r->from.n; i++) {
      const ScTensor *t = r->from.tensors[i];
      SC_TRY(sc_tensor_alias(r->out[i], t, t->rank, t->shape));
   }
   return SC_OK;
}

// Entries that are no tensors are an error unless `sparse`.
static List read_list(lua_State *L, int index, int n, const char *name, const char *what, bool sparse) {
   List list = {.n = n, .handles = sc_push_array(L, n, sizeof *list.handles)};
   list.tensors = sc_push_array(L, n, sizeof *list.tensors);
   luaL_checkstack(L, n + LUA_MINSTACK, "too many tensors");
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, index, i + 1);
      list.handles[i] = sc_test_tensor(L, -1) ? lua_touserdata(L, -1) : NULL;
      if (!list.handles[i] && !sparse)
         luaL_error(L, "%s: %s %d: expected a tensor, found %s", name, what, i + 1, sc_describe_value(L, -1));
   }
   return list;
}

static int count_inputs(lua_State *L, const char *name) {
   sc_raw_field(L, 3, "n");
   lua_Integer n = luaL_checkinteger(L, -1);
   if (n < 0 || n > MOST_INPUTS)
      luaL_error(L, "%s: expected 0 to %d arguments, found %I", name, MOST_INPUTS, (LUAI_UACINT)n);
   return (int)n;
}

// scute.record_function(name, backward, inputs, outputs, saved) -> outputs, tied to the inputs by
// backward(saved, gradient of each output) -> gradient of each input. inputs has a field n and may have entries
// that are no tensors. The lists are read raw. What scute.func is made of.
static int record_function(lua_State *L) {
   Record r = {.name = luaL_checkstring(L, 1)};
   luaL_checktype(L, 2, LUA_TFUNCTION);
   for (int i = 3; i <= 5; i++) luaL_checktype(L, i, LUA_TTABLE);
   int nout = sc_list_length(L, 4, r.name);
   if (nout > SC_MAXOUT)
      return luaL_error(L, "%s: forward: expected at most %d outputs, found %d", r.name, SC_MAXOUT, nout);
   r.in = read_list(L, 3, count_inputs(L, r.name), r.name, "argument", true);
   r.from = read_list(L, 4, nout, r.name, "output", false);
   r.saved = read_list(L, 5, sc_list_length(L, 5, r.name), r.name, "save_for_backward", false);
   for (int i = 0; i < nout; i++) r.out[i] = sc_push_handle(L);
   lua_pushvalue(L, 2);
   r.reference = luaL_ref(L, LUA_REGISTRYINDEX);
   ScStatus status = make_results(&r); // nothing of Lua's allocates from here on
   if (status == SC_OK && any_needs_grad(&r))
      status = tie(&r);
   else
      luaL_unref(L, LUA_REGISTRYINDEX, r.reference);
   sc_check(L, status);
   return nout;
}

static void open_function(lua_State *L) {
   lua_pushcfunction(L, record_function);
   lua_setfield(L, -2, "record_function");
}
SC_OPENER(open_function)
