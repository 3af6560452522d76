// The Lua side of a tensor: its properties, indexing, reading values out, backward, and the in-place few.
// Ops come as methods from host/bind/op.c; what needs no C (printing, statistics) lives in
// lua/scute/base/tensor_text.lua.
#include <limits.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/bind/options.h"
#include "host/bind/suggest.h"
#include "host/core/backward.h"
#include "host/core/call.h"
#include "host/core/copy.h"
#include "host/core/suggest.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"

static ScTensor *self(lua_State *L, const char *method) {
   return sc_check_tensor(L, 1, method, "self");
}

static ScTensor *self_at(lua_State *L, int index) {
   return sc_check_tensor(L, index, "index", "self");
}

// t:free(): lets go of its memory now; also on collection and <close>
static int release(lua_State *L) {
   ScTensor **handle = luaL_checkudata(L, 1, SC_TENSOR_TYPE);
   ScTensor *t = *handle;
   *handle = NULL;
   sc_tensor_release(t);
   return 0;
}

// t:size() -> all dimensions; t:size(d) -> one
static int size(lua_State *L) {
   ScTensor *t = self(L, "size");
   if (lua_isnoneornil(L, 2)) {
      luaL_checkstack(L, SC_MAXRANK, "");
      for (int i = 0; i < t->rank; i++) lua_pushinteger(L, t->shape[i]);
      return t->rank;
   }
   lua_Integer dim = luaL_checkinteger(L, 2), at = dim < 0 ? dim + t->rank : dim - 1;
   if (t->rank == 0) return luaL_error(L, "size: a scalar has no dimensions, found %I", (LUAI_UACINT)dim);
   if (at < 0 || at >= t->rank)
      return luaL_error(L, "size: expected a dimension from 1 to %d, found %I", t->rank, (LUAI_UACINT)dim);
   lua_pushinteger(L, t->shape[at]);
   return 1;
}

// t:numel() -> number of elements
static int numel(lua_State *L) {
   lua_pushinteger(L, sc_numel(self(L, "numel")));
   return 1;
}

// Element `i` of values in the tensor's own dtype; whole numbers with all their digits.
static void push_value(lua_State *L, const ScTensor *t, const void *values, int64_t i) {
   if (t->dtype == SC_I64)
      lua_pushinteger(L, ((const int64_t *)values)[i]);
   else if (t->dtype == SC_U8)
      lua_pushinteger(L, ((const uint8_t *)values)[i]);
   else
      lua_pushnumber(L, sc_load(t->dtype, values, i));
}

static int push_item(lua_State *L, const ScTensor *t, int64_t index) {
   _Alignas(int64_t) char element[sizeof(int64_t)]; // of any dtype
   sc_check(L, sc_tensor_item(t, index, element));
   push_value(L, t, element, 0);
   return 1;
}

// t:item() -> the only value of a tensor with one element
static int item(lua_State *L) {
   ScTensor *t = self(L, "item");
   if (sc_numel(t) != 1)
      return luaL_error(L, "item: expected a tensor with one element, found shape %s", sc_shape_text(t));
   return push_item(L, t, 0);
}

static int push_nested(lua_State *L, const ScTensor *t, const void *values, int64_t start, int dim) {
   luaL_checkstack(L, 3, "");
   if (dim == t->rank) {
      push_value(L, t, values, start);
      return 1;
   }
   int64_t step = 1;
   for (int i = dim + 1; i < t->rank; i++) step *= t->shape[i];
   lua_createtable(L, t->shape[dim] <= INT_MAX ? (int)t->shape[dim] : 0, 0);
   for (int64_t i = 0; i < t->shape[dim]; i++) {
      push_nested(L, t, values, start + i * step, dim + 1);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// All values, in memory of Lua's, and a copy of what describes them: the tensor itself may be freed while
// tables are filled.
static const void *read_all(lua_State *L, const char *method, ScTensor *like) {
   void *values = sc_push_array(L, (int64_t)sc_nbytes(self(L, method)), 1);
   *like = *self(L, method);
   sc_check(L, sc_tensor_read(like, values));
   return values;
}

// t:totable() -> nested tables in logical order (a number for a scalar)
static int totable(lua_State *L) {
   ScTensor like;
   const void *all = read_all(L, "totable", &like);
   return push_nested(L, &like, all, 0, 0);
}

// t:values() -> one flat table in logical order
static int values(lua_State *L) {
   ScTensor like;
   const void *all = read_all(L, "values", &like);
   int64_t n = sc_numel(&like);
   lua_createtable(L, n <= INT_MAX ? (int)n : 0, 0);
   for (int64_t i = 0; i < n; i++) {
      push_value(L, &like, all, i);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// t:backward([gradient,] {retain = false}): the gradients of what t was computed from, added to their .grad; t
// has one element, or gradient is given, of its shape. retain: the recording stays for a second backward
static int backward(lua_State *L) {
   ScTensor *t = self(L, "backward"), *seed = NULL;
   int options = 2;
   if (luaL_testudata(L, 2, SC_TENSOR_TYPE)) seed = sc_check_tensor(L, 2, "backward", "gradient"), options = 3;
   bool retain = false;
   static const char *const keys[] = {"retain", NULL};
   if (lua_istable(L, options)) {
      sc_check_options(L, options, "backward", keys);
      retain = sc_option_boolean(L, options, "backward", "retain", false);
   } else if (!lua_isnoneornil(L, options)) {
      return luaL_error(L, "backward: expected a gradient tensor or {retain = true}, found %s",
                        sc_describe_value(L, options));
   }
   sc_check(L, sc_backward(t, seed, retain));
   return 0;
}

static int alias(lua_State *L, const char *method) {
   lua_settop(L, 1); // what is pushed is no argument
   ScTensor **handle = sc_push_handle(L);
   ScTensor *t = self(L, method);
   sc_check(L, sc_tensor_alias(handle, t, t->rank, t->shape));
   return 1;
}

// t:detach() -> the same values outside the tape
static int detach(lua_State *L) {
   return alias(L, "detach");
}

// t:clone() -> a copy outside the tape (copied when one of the two is written)
static int clone(lua_State *L) {
   return alias(L, "clone");
}

// t:requires_grad_(on = true) -> t, whose gradient backward fills in from now on, or no more
static int requires_grad(lua_State *L) {
   ScTensor *t = self(L, "requires_grad_");
   bool on = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
   if (t->node)
      return luaL_error(L, "requires_grad_: this tensor was computed; only leaves can be asked for gradients");
   if (on && !sc_dtype_is_float(t->dtype))
      return luaL_error(L, "requires_grad_: expected a floating-point tensor, found %s",
                        sc_dtype_name(t->dtype));
   t->requires_grad = on;
   lua_settop(L, 1);
   return 1;
}

// t:zero_grad() -> t, without its gradient
static int zero_grad(lua_State *L) {
   ScTensor *t = self(L, "zero_grad"), *grad = t->grad;
   t->grad = NULL;
   sc_tensor_release(grad);
   lua_settop(L, 1);
   return 1;
}

static void refuse_on_tape(lua_State *L, const ScTensor *t, const char *method) {
   if (t->node || (t->requires_grad && sc_is_recording()))
      luaL_error(
          L, "%s: this tensor takes part in a recorded computation; write inside scute.no_grad or on :detach()",
          method);
}

// t:fill_(value) -> t, in place
static int fill(lua_State *L) {
   ScTensor *t = self(L, "fill_");
   luaL_checknumber(L, 2);
   refuse_on_tape(L, t, "fill_");
   sc_fill_number(L, t, 2);
   lua_settop(L, 1);
   return 1;
}

typedef struct {
   ScTensor *to;
   const ScTensor *from;
} Assignment;

static ScStatus assign(void *context) {
   const Assignment *a = context;
   return sc_tensor_copy(a->to, a->from);
}

// t:copy_(other) -> t, in place; same shape, converts dtype and device
static int copy(lua_State *L) {
   ScTensor *t = self(L, "copy_"), *from = sc_check_tensor(L, 2, "copy_", "other");
   refuse_on_tape(L, t, "copy_");
   sc_check(L, sc_with_retry_holding(assign, &(Assignment){t, from}, 2, (ScTensor *[]){t, from}));
   lua_settop(L, 1);
   return 1;
}

typedef struct {
   ScTensor **out;
   const char *op;
   ScTensor *x;
   const ScAttr *attr;
   int nattr;
} Application;

static ScStatus run_application(void *context) {
   Application *a = context;
   return sc_apply(a->out, a->op, 1, &a->x, a->attr, a->nattr);
}

// Pushes what the op makes of the tensor at `index`.
static void apply(lua_State *L, const char *op, int index, const ScAttr *attr, int nattr) {
   sc_account(L);
   ScTensor **out = sc_push_handle(L);
   Application a = {out, op, sc_check_tensor(L, index, op, "self"), attr, nattr};
   sc_check(L, sc_with_retry_holding(run_application, &a, 1, &a.x));
}

// A dtype or a device, whichever is called so. Of a GPU it is told why there is none.
static void read_place(lua_State *L, const char *name, ScDtype *dtype, ScDevice **device) {
   if (!name || sc_dtype_parse(name, dtype)) return;
   ScStatus status = sc_device_find(name, device);
   if (status == SC_OK) return;
   if (strncmp(name, "cuda", 4) == 0) sc_raise(L, status);
   static const char *const known[] = {"f32",     "f64",      "f16",   "bf16",  "i64", "u8",   "float32",
                                       "float64", "bfloat16", "int64", "uint8", "cpu", "cuda", "auto"};
   luaL_error(
       L,
       "to: expected a dtype (f32, f64, f16, bf16, i64, u8) or a device (cpu, cuda, ref, auto), found '%s'%s",
       name, sc_meant(name, sizeof known / sizeof known[0], known));
}

// t:to("f16"), t:to("cpu"), t:to{dtype = , device = } -> converted (itself where nothing changes)
static int to(lua_State *L) {
   ScTensor *t = self(L, "to");
   ScDtype dtype = t->dtype;
   ScDevice *device = t->device;
   static const char *const keys[] = {"dtype", "device", NULL};
   const char *names[2] = {NULL, NULL};
   if (lua_istable(L, 2)) {
      sc_check_options(L, 2, "to", keys);
      sc_raw_field(L, 2, "dtype");
      names[0] = luaL_optstring(L, -1, NULL);
      sc_raw_field(L, 2, "device");
      names[1] = luaL_optstring(L, -1, NULL);
   } else {
      names[0] = luaL_checkstring(L, 2);
      names[1] = luaL_optstring(L, 3, NULL);
   }
   for (int i = 0; i < 2; i++) read_place(L, names[i], &dtype, &device);
   bool moves = device != t->device, converts = dtype != t->dtype;
   lua_pushvalue(L, 1);
   if (moves) apply(L, "to_device", lua_gettop(L), &(ScAttr){.device = device}, 1);
   if (converts) apply(L, "to", lua_gettop(L), &(ScAttr){.i = dtype}, 1);
   return 1;
}

// ---- indexing ----

// Whether the value at `at` is a number without a fraction: 2 and 2.0, as in Lua's own tables.
static bool is_whole(lua_State *L, int at) {
   int whole = 0;
   if (lua_type(L, at) == LUA_TNUMBER) lua_tointegerx(L, at, &whole);
   return whole;
}

static int64_t zero_based(lua_State *L, const ScTensor *t, int dim, int64_t index) {
   int64_t at = index < 0 ? index + t->shape[dim] : index - 1;
   if (at < 0 || at >= t->shape[dim])
      luaL_error(L, "index %I is out of range: dimension %d of shape %s has %I entries", (LUAI_UACINT)index,
                 dim + 1, sc_shape_text(t), (LUAI_UACINT)t->shape[dim]);
   return at;
}

// Of the tensor at `at`.
static void select_one(lua_State *L, int at, int dim, int64_t index) {
   ScAttr attr[2] = {{.i = dim}, {.i = zero_based(L, self_at(L, at), dim, index) + 1}};
   apply(L, "select", at, attr, 2);
}

static int index_number(lua_State *L, ScTensor *t) {
   if (t->rank == 0) return luaL_error(L, "a scalar tensor has no entries; read it with :item()");
   int64_t index = lua_tointeger(L, 2);
   if (t->rank == 1) return push_item(L, t, zero_based(L, t, 0, index));
   select_one(L, 1, 0, index);
   return 1;
}

static int64_t range_end(lua_State *L, int table, int entry, int64_t preset) {
   lua_rawgeti(L, table, entry);
   if (!lua_isnil(L, -1) && !is_whole(L, -1))
      luaL_error(L, "index: expected {from, to} with whole numbers, found %s", sc_describe_value(L, -1));
   int64_t value = luaL_optinteger(L, -1, preset);
   lua_pop(L, 1);
   return value;
}

// Of the tensor at `at`, by the {from, to} at `range`.
static void slice_one(lua_State *L, int at, int dim, int range) {
   const ScTensor *t = self_at(L, at);
   ScAttr attr[3] = {{.i = dim},
                     {.i = zero_based(L, t, dim, range_end(L, range, 1, 1)) + 1},
                     {.i = zero_based(L, t, dim, range_end(L, range, 2, -1)) + 1}};
   apply(L, "slice", at, attr, 3);
}

// t[{2, {1, 3}, {}}]: a number selects, {from, to} slices, {} takes all; missing ones at the end take all. Each
// step leaves its result on the stack. The tables are read raw.
static int index_table(lua_State *L, ScTensor *t) {
   int n = sc_list_length(L, 2, "index"), dim = 0, at = 1;
   if (n > t->rank) return luaL_error(L, "%d indices for a tensor of shape %s", n, sc_shape_text(t));
   luaL_checkstack(L, 3 * SC_MAXRANK + LUA_MINSTACK, "");
   for (int i = 1; i <= n; i++) {
      lua_rawgeti(L, 2, i);
      int index = lua_gettop(L);
      if (is_whole(L, index)) {
         select_one(L, at, dim, lua_tointeger(L, index));
      } else if (!lua_istable(L, index)) {
         return luaL_error(L, "index %d: expected a whole number or {from, to}, found %s", i,
                           sc_describe_value(L, index));
      } else if (lua_rawlen(L, index) > 2) {
         return luaL_error(L, "index %d: expected {from, to}, found %I entries", i,
                           (LUAI_UACINT)lua_rawlen(L, index));
      } else {
         slice_one(L, at, dim++, index);
      }
      at = lua_gettop(L);
   }
   if (self_at(L, at)->rank == 0) return push_item(L, self_at(L, at), 0);
   lua_pushvalue(L, at);
   return 1;
}

static int push_shape(lua_State *L, const ScTensor *t) {
   int rank = t->rank;
   int64_t shape[SC_MAXRANK];
   memcpy(shape, t->shape, sizeof shape);
   lua_createtable(L, rank, 0);
   for (int i = 0; i < rank; i++) {
      lua_pushinteger(L, shape[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

static int push_gradient(lua_State *L) {
   ScTensor **handle = sc_push_handle(L), *grad = self(L, "grad")->grad;
   if (grad)
      *handle = sc_tensor_retain(grad);
   else
      lua_pushnil(L);
   return 1;
}

// t.shape -> list of the dimensions
//
// t.dtype -> "f32", "f64", "f16", "bf16", "i64" or "u8"
//
// t.device -> where it lies: "cpu", "cuda:0", ...
//
// t.rank -> number of dimensions
//
// t.requires_grad -> whether backward reaches it
//
// t.is_leaf -> whether it was made, and not computed by ops that were recorded
//
// t.grad -> the gradient that backward left here, nil where none did
static const char *const properties[] = {"shape",         "dtype",   "device", "rank",
                                         "requires_grad", "is_leaf", "grad",   NULL};

static int push_property(lua_State *L, ScTensor *t, const char *name) {
   if (strcmp(name, "shape") == 0) return push_shape(L, t);
   if (strcmp(name, "dtype") == 0) return lua_pushstring(L, sc_dtype_name(t->dtype)), 1;
   if (strcmp(name, "device") == 0) return lua_pushstring(L, t->device->name), 1;
   if (strcmp(name, "rank") == 0) return lua_pushinteger(L, t->rank), 1;
   if (strcmp(name, "requires_grad") == 0) return lua_pushboolean(L, sc_needs_grad(t)), 1;
   if (strcmp(name, "is_leaf") == 0) return lua_pushboolean(L, !t->node), 1;
   if (strcmp(name, "grad") == 0) return push_gradient(L);
   return 0;
}

static int get_index(lua_State *L) {
   if (lua_type(L, 2) == LUA_TSTRING) {
      lua_pushvalue(L, 2);
      if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
      const char *name = lua_tostring(L, 2);
      if (push_property(L, self(L, "tensor"), name)) return 1;
      return sc_reject_name(L, "a tensor", name, properties, lua_upvalueindex(1));
   }
   ScTensor *t = self(L, "tensor");
   if (is_whole(L, 2)) return index_number(L, t);
   if (lua_istable(L, 2)) return index_table(L, t);
   return luaL_error(L, "a tensor is indexed by a whole number or a table, found %s", sc_describe_value(L, 2));
}

// Properties that PyTorch assigns have methods here.
static int new_index(lua_State *L) {
   const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
   if (strcmp(name, "requires_grad") == 0)
      return luaL_error(
          L, "requires_grad is not assigned: t:requires_grad_(), or t:requires_grad_(false), sets it");
   if (strcmp(name, "grad") == 0)
      return luaL_error(
          L, "grad is not assigned: backward fills it, t.grad:copy_(...) puts other values into it, and "
             "t:zero_grad() lets go of it");
   return luaL_error(L, "tensors are values: entries cannot be assigned; build a new one with scute.where, "
                        "scute.concat or arithmetic, or write a whole tensor with :copy_() or :fill_()");
}

static int length(lua_State *L) {
   ScTensor *t = self(L, "#");
   if (t->rank == 0) return luaL_error(L, "a scalar tensor has no length");
   lua_pushinteger(L, t->shape[0]);
   return 1;
}

static int refuse_comparison(lua_State *L) {
   return luaL_error(L, "tensors are not compared with <, <=, > and >=, which give one true or false: x:lt(0), "
                        "x:le(0), x:gt(0) and x:ge(0) compare each element, and x:item() is the number in a "
                        "tensor of one element");
}

static int refuse_concatenation(lua_State *L) {
   return luaL_error(L, "a tensor is no text for '..': t:item() is the number in a tensor of one element, "
                        "tostring(t) what is printed, and scute.concat joins tensors");
}

static const luaL_Reg methods[] = {{"size", size},
                                   {"numel", numel},
                                   {"item", item},
                                   {"totable", totable},
                                   {"values", values},
                                   {"backward", backward},
                                   {"detach", detach},
                                   {"clone", clone},
                                   {"requires_grad_", requires_grad},
                                   {"zero_grad", zero_grad},
                                   {"fill_", fill},
                                   {"copy_", copy},
                                   {"to", to},
                                   {"free", release},
                                   {NULL, NULL}};

static const luaL_Reg meta[] = {{"__gc", release},
                                {"__close", release},
                                {"__newindex", new_index},
                                {"__len", length},
                                {"__lt", refuse_comparison},
                                {"__le", refuse_comparison},
                                {"__concat", refuse_concatenation},
                                {NULL, NULL}};

// Operators and most methods come from the ops, see host/bind/op.c.
static void open_tensor(lua_State *L) {
   luaL_newmetatable(L, SC_TENSOR_TYPE);
   luaL_setfuncs(L, meta, 0);
   sc_set_properties(L, properties);
   sc_push_methods(L, SC_TENSOR_TYPE);
   luaL_setfuncs(L, methods, 0);
   lua_pushcclosure(L, get_index, 1);
   lua_setfield(L, -2, "__index");
   lua_pop(L, 1);
}
SC_OPENER(open_tensor)
