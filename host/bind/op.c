// Every op becomes a Lua function, and a method of tensors, straight from its declaration: arguments by
// position or by name in a last table, numbers for operands, dimensions counted from 1 or from the end. Tables
// are read raw.
#include "host/bind/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/bind/suggest.h"
#include "host/core/call.h"
#include "host/core/suggest.h"
#include "host/core/transfer.h"

typedef struct {
   double number;   // of an operand that was given as a number
   int64_t integer; // the same if it is whole, with all its digits
   bool is_number, whole;
   ScTensor **handle; // of an operand that was given as a tensor; the Lua stack keeps it
   ScTensor *tensor;  // what is in it, once it is held
} Input;

typedef struct {
   const ScOp *op;
   int named; // stack index of the table of named arguments, 0 if none
   int top;   // number of positional arguments
   int next;  // the positional argument to be read next
   int nin, capacity;
   Input *inputs; // memory of Lua's, so that an error while marshalling leaks nothing
   int count[SC_MAXPARAM];
   ScAttr attr[SC_MAXPARAM];
   bool given[SC_MAXPARAM];
   int ntensors, nattr;
} Marshal;

static int bad(lua_State *L, const Marshal *m, const ScParam *param, const char *expected, int index) {
   return luaL_error(L, "%s: argument '%s': expected %s, found %s", m->op->name, param->name, expected,
                     sc_describe_value(L, index));
}

static void add_input(lua_State *L, Marshal *m, Input input) {
   if (m->nin == m->capacity) {
      int capacity = m->capacity ? 2 * m->capacity : 8;
      Input *inputs =
          lua_newuserdatauv(L, (size_t)capacity * sizeof *inputs, 0); // stays on the stack until we return
      if (m->nin) memcpy(inputs, m->inputs, (size_t)m->nin * sizeof *inputs);
      m->inputs = inputs;
      m->capacity = capacity;
   }
   m->inputs[m->nin++] = input;
}

static Input check_operand(lua_State *L, Marshal *m, const ScParam *param, int index) {
   if (lua_type(L, index) == LUA_TNUMBER && param->kind == SC_OPERAND)
      return (Input){.number = lua_tonumber(L, index),
                     .integer = lua_tointeger(L, index),
                     .is_number = true,
                     .whole = lua_isinteger(L, index)};
   if (!luaL_testudata(L, index, SC_TENSOR_TYPE))
      bad(L, m, param, param->kind == SC_OPERAND ? "a tensor or a number" : "a tensor", index);
   sc_check_tensor(L, index, m->op->name, param->name);
   return (Input){.handle = lua_touserdata(L, index)};
}

// The entries stay on the stack: the list may lose them. Pushing them moves the top, so indices are absolute.
static int read_tensors(lua_State *L, Marshal *m, const ScParam *param, int index) {
   if (!lua_istable(L, index)) bad(L, m, param, "a table of tensors", index);
   int n = sc_list_length(L, index, m->op->name);
   if (n < 1) luaL_error(L, "%s: argument '%s': expected at least one tensor", m->op->name, param->name);
   sc_refuse_names(L, index, m->op->name, param->name);
   luaL_checkstack(L, n + LUA_MINSTACK, "too many tensors");
   for (int i = 1; i <= n; i++) {
      lua_rawgeti(L, index, i);
      add_input(L, m, check_operand(L, m, param, lua_gettop(L)));
   }
   return n;
}

static int64_t check_int(lua_State *L, Marshal *m, const ScParam *param, const char *expected, int index) {
   int exact;
   int64_t value = lua_tointegerx(L, index, &exact);
   if (!exact || lua_type(L, index) != LUA_TNUMBER) bad(L, m, param, expected, index);
   return value;
}

static void read_list(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   int n = sc_list_length(L, index, m->op->name);
   if (n > SC_MAXRANK)
      luaL_error(L, "%s: argument '%s': at most %d numbers, found %d", m->op->name, param->name, SC_MAXRANK, n);
   sc_refuse_names(L, index, m->op->name, param->name);
   out->ints.n = n;
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, index, i + 1);
      out->ints.v[i] = check_int(L, m, param, "whole numbers", lua_gettop(L));
      lua_pop(L, 1);
   }
}

// One number is a list of one.
static void read_ints(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   if (lua_istable(L, index)) {
      read_list(L, m, param, index, out);
      return;
   }
   out->ints.n = 1;
   out->ints.v[0] = check_int(L, m, param, "whole numbers, or a table of them", index);
}

static bool is_word(lua_State *L, const ScParam *param, int index) {
   if (!param->choices || lua_type(L, index) != LUA_TSTRING) return false;
   size_t length;
   const char *text = lua_tolstring(L, index, &length);
   return length == strlen(param->choices) && memcmp(text, param->choices, length) == 0;
}

static void refuse_word(lua_State *L, const Marshal *m, const ScParam *param, int index) {
   bool is_text = lua_type(L, index) == LUA_TSTRING;
   luaL_error(L, "%s: argument '%s': expected one whole number or a table of two, or '%s', found %s%s",
              m->op->name, param->name, param->choices, sc_describe_value(L, index),
              is_text ? sc_meant(lua_tostring(L, index), 1, &param->choices) : "");
}

// Where a word may stand in their place the numbers begin at 0: a negative one stands for the word.
static void read_pair(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   int64_t *v = out->ints.v;
   if (is_word(L, param, index)) {
      out->ints.n = 2;
      v[0] = v[1] = SC_PAIR_WORD;
      return;
   }
   if (lua_istable(L, index)) {
      read_list(L, m, param, index, out);
      if (out->ints.n != 2) bad(L, m, param, "one whole number or two", index);
   } else {
      if (param->choices && lua_type(L, index) != LUA_TNUMBER) refuse_word(L, m, param, index);
      out->ints.n = 2;
      v[0] = v[1] = check_int(L, m, param, "one whole number or a table of two", index);
   }
   if (param->choices && (v[0] < 0 || v[1] < 0))
      luaL_error(L, "%s: argument '%s': expected whole numbers from 0, or '%s', found {%I, %I}", m->op->name,
                 param->name, param->choices, (LUAI_UACINT)v[0], (LUAI_UACINT)v[1]);
}

static void read_choice(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   const char *wanted = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
   int at = 0;
   for (const char *name = param->choices; name; at++) {
      const char *bar = strchr(name, '|');
      size_t length = bar ? (size_t)(bar - name) : strlen(name);
      if (strlen(wanted) == length && strncmp(name, wanted, length) == 0) {
         out->i = at;
         return;
      }
      name = bar ? bar + 1 : NULL;
   }
   char expected[160];
   snprintf(expected, sizeof expected, "one of %s", param->choices);
   bad(L, m, param, expected, index);
}

// A dimension is checked against the rank of the op's first tensor.
static int64_t read_dim(lua_State *L, Marshal *m, const ScParam *param, int index) {
   int64_t dim = check_int(L, m, param, "a dimension", index);
   const ScTensor *first = m->nin > 0 && m->inputs[0].handle ? *m->inputs[0].handle : NULL;
   int rank = first ? first->rank : 0;
   int64_t zero_based = dim < 0 ? dim + rank : dim - 1;
   if (rank == 0)
      luaL_error(L, "%s: argument '%s': a scalar has no dimensions, found %I", m->op->name, param->name,
                 (LUAI_UACINT)dim);
   if (zero_based < 0 || zero_based >= rank)
      luaL_error(L, "%s: argument '%s': expected a dimension from 1 to %d (or -1 to -%d), found %I",
                 m->op->name, param->name, rank, rank, (LUAI_UACINT)dim);
   return zero_based;
}

// A dimension, or a table of different ones.
static void read_dims(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   if (!lua_istable(L, index)) {
      if (lua_type(L, index) != LUA_TNUMBER) bad(L, m, param, "a dimension or a table of dimensions", index);
      out->ints.n = 1;
      out->ints.v[0] = read_dim(L, m, param, index);
      return;
   }
   int n = sc_list_length(L, index, m->op->name);
   if (n < 1) bad(L, m, param, "at least one dimension", index);
   sc_refuse_names(L, index, m->op->name, param->name);
   out->ints.n = 0;
   for (int i = 1; i <= n; i++) {
      lua_rawgeti(L, index, i);
      int64_t dim = read_dim(L, m, param, lua_gettop(L));
      lua_pop(L, 1);
      for (int k = 0; k < out->ints.n; k++)
         if (out->ints.v[k] == dim)
            luaL_error(L, "%s: argument '%s': dimension %I is given twice", m->op->name, param->name,
                       (LUAI_UACINT)dim + 1);
      out->ints.v[out->ints.n++] = dim;
   }
}

// A number after a dimension was meant for another one.
static const char *bool_expected(lua_State *L, const Marshal *m, const ScParam *param, int index) {
   bool after_dims = param > m->op->params && param[-1].kind == SC_DIMS;
   return after_dims && lua_isinteger(L, index) ? "true or false (several dimensions go into one table)"
                                                : "true or false";
}

static void read_attr(lua_State *L, Marshal *m, const ScParam *param, int index, ScAttr *out) {
   switch (param->kind) {
   case SC_INT: out->i = check_int(L, m, param, "a whole number", index); break;
   case SC_NUMBER:
      if (lua_type(L, index) != LUA_TNUMBER) bad(L, m, param, "a number", index);
      out->f = lua_tonumber(L, index);
      break;
   case SC_BOOL:
      if (!lua_isboolean(L, index)) bad(L, m, param, bool_expected(L, m, param, index), index);
      out->i = lua_toboolean(L, index);
      break;
   case SC_PAIR: read_pair(L, m, param, index, out); break;
   case SC_INTS: read_ints(L, m, param, index, out); break;
   case SC_DIM: out->i = read_dim(L, m, param, index); break;
   case SC_DIMS: read_dims(L, m, param, index, out); break;
   case SC_DTYPE: {
      ScDtype dtype;
      if (lua_type(L, index) != LUA_TSTRING || !sc_dtype_parse(lua_tostring(L, index), &dtype))
         bad(L, m, param, "a dtype (f32, f64, f16, bf16, i64, u8)", index);
      out->i = dtype;
      break;
   }
   case SC_DEVICE: {
      ScDevice *device = NULL;
      if (lua_type(L, index) != LUA_TSTRING) bad(L, m, param, "a device name", index);
      sc_check(L, sc_device_find(lua_tostring(L, index), &device));
      out->device = device;
      break;
   }
   default: read_choice(L, m, param, index, out);
   }
}

static bool is_tensor(const ScParam *param) {
   return param->kind == SC_TENSOR || param->kind == SC_OPERAND || param->kind == SC_TENSORS;
}

// Whether the positional numbers from here on are this parameter's, as in reshape(2, 3) and layer_norm(3, 4,
// weight): where what follows is no number.
static bool takes_rest(lua_State *L, const Marshal *m, const ScParam *param) {
   bool is_last = param == &m->op->params[m->op->nparams - 1];
   return param->kind == SC_INTS && (is_last || is_tensor(param + 1)) && m->next <= m->top &&
          lua_type(L, m->next) == LUA_TNUMBER;
}

// Where no parameter follows, all of the rest is meant.
static void read_rest(lua_State *L, Marshal *m, const ScParam *param, ScAttr *out) {
   bool last = param == &m->op->params[m->op->nparams - 1];
   int n = 0;
   while (m->next + n <= m->top && (last || lua_type(L, m->next + n) == LUA_TNUMBER)) n++;
   if (n > SC_MAXRANK)
      luaL_error(L, "%s: argument '%s': at most %d numbers, found %d", m->op->name, param->name, SC_MAXRANK, n);
   out->ints.n = n;
   for (int i = 0; i < n; i++) out->ints.v[i] = check_int(L, m, param, "whole numbers", m->next + i);
   m->next += n;
}

// Leaves the stack index of the argument's value, or 0 if it is not given. A named value is pushed.
static int find_value(lua_State *L, Marshal *m, const ScParam *param) {
   int position = m->next <= m->top ? m->next++ : 0;
   if (position && lua_isnil(L, position)) position = 0;
   if (!m->named) return position;
   sc_raw_field(L, m->named, param->name);
   if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      return position;
   }
   if (position) luaL_error(L, "%s: argument '%s' is given twice", m->op->name, param->name);
   return lua_gettop(L);
}

static void read_tensor_param(lua_State *L, Marshal *m, const ScParam *param, int index) {
   int *count = &m->count[m->ntensors++];
   *count = 1;
   if (index && param->kind == SC_TENSORS)
      *count = read_tensors(L, m, param, index);
   else if (index)
      add_input(L, m, check_operand(L, m, param, index));
   else if (param->optional)
      add_input(L, m, (Input){0});
   else
      luaL_error(L, "%s: argument '%s' is missing (%s)", m->op->name, param->name, param->doc);
}

static void read_param(lua_State *L, Marshal *m, const ScParam *param) {
   if (takes_rest(L, m, param)) {
      m->given[m->nattr] = true;
      read_rest(L, m, param, &m->attr[m->nattr++]);
      return;
   }
   int index = find_value(L, m, param);
   if (is_tensor(param)) {
      read_tensor_param(L, m, param, index);
      return;
   }
   if (index)
      read_attr(L, m, param, index, &m->attr[m->nattr]);
   else if (!param->optional)
      luaL_error(L, "%s: argument '%s' is missing (%s)", m->op->name, param->name, param->doc);
   m->given[m->nattr++] = index != 0;
}

static bool has_names(lua_State *L, int index) {
   if (!lua_istable(L, index)) return false;
   lua_pushnil(L);
   if (!lua_next(L, index)) return false;
   bool named = lua_type(L, -2) == LUA_TSTRING;
   lua_pop(L, 2);
   return named;
}

static void check_names(lua_State *L, const Marshal *m) {
   const char *names[SC_MAXPARAM];
   for (int i = 0; i < m->op->nparams; i++) names[i] = m->op->params[i].name;
   lua_pushnil(L);
   while (lua_next(L, m->named)) {
      const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
      int known = 0;
      while (known < m->op->nparams && strcmp(key, names[known]) != 0) known++;
      if (known == m->op->nparams) {
         luaL_error(L, "%s: unknown argument '%s'%s", m->op->name, key,
                    sc_push_meant(L, key, m->op->nparams, names));
      }
      lua_pop(L, 1);
   }
}

static void marshal(lua_State *L, Marshal *m) {
   m->top = lua_gettop(L);
   m->next = 1;
   luaL_checkstack(L, 4 * SC_MAXPARAM + LUA_MINSTACK, "too many arguments");
   if (m->top > 0 && has_names(L, m->top)) {
      m->named = m->top--;
      check_names(L, m);
   }
   for (int i = 0; i < m->op->nparams; i++) read_param(L, m, &m->op->params[i]);
   if (m->next <= m->top)
      luaL_error(L, "%s: too many arguments: expected at most %d", m->op->name, m->op->nparams);
}

// ---- running ----

static void let_go(const Marshal *m) {
   for (int i = 0; i < m->nin; i++) sc_tensor_release(m->inputs[i].tensor);
}

// From here until they are let go nothing takes the tensors away. False where a finalizer has done so before.
static bool hold(const Marshal *m) {
   for (int i = 0; i < m->nin; i++) {
      Input *input = &m->inputs[i];
      if (!input->handle) continue;
      if (!*input->handle) return let_go(m), false;
      input->tensor = sc_tensor_retain(*input->handle);
   }
   return true;
}

// A number next to a tensor takes the tensor's dtype, unless it would lose its fraction there. Next to a half
// it has the precision in which it is computed, and the result (`half`) is one again. Of several tensors the
// last counts: the first may be a condition.
static ScStatus number_tensor(const Marshal *m, const Input *input, ScTensor **out, ScDtype *half) {
   const ScTensor *other = NULL;
   for (int i = 0; i < m->nin; i++)
      if (m->inputs[i].tensor) other = m->inputs[i].tensor;
   ScDtype dtype = other ? other->dtype : SC_F32;
   if (!sc_dtype_is_float(dtype) && !input->whole)
      dtype = SC_F32;
   else if (dtype == SC_U8)
      dtype = SC_I64;
   else if (dtype == SC_F16 || dtype == SC_BF16)
      *half = dtype, dtype = SC_F32;
   SC_TRY(sc_tensor_new(out, other ? other->device : sc_device_cpu(), dtype, 0, NULL));
   if (dtype == SC_I64) return sc_tensor_write(*out, &input->integer);
   return sc_tensor_fill(*out, input->number);
}

static ScStatus fill_call(ScCall *call, const Marshal *m) {
   memcpy(call->count, m->count, sizeof call->count);
   for (int i = 0; i < m->nattr; i++)
      if (m->given[i]) call->attr[i] = m->attr[i];
   for (int i = 0; i < m->nin; i++) {
      const Input *input = &m->inputs[i];
      if (input->tensor)
         call->in[i] = sc_tensor_retain(input->tensor);
      else if (input->is_number)
         SC_TRY(number_tensor(m, input, &call->in[i], &call->half));
   }
   return SC_OK;
}

typedef struct {
   const Marshal *marshal;
   ScTensor ***handles;
   int nout;
} Run;

static ScStatus run(void *context) {
   Run *r = context;
   ScCall *call;
   SC_TRY(sc_call_new(&call, r->marshal->op, r->marshal->nin));
   ScStatus status = fill_call(call, r->marshal);
   if (status == SC_OK) status = sc_call_run(call);
   r->nout = status == SC_OK ? call->nout : 0;
   for (int i = 0; i < r->nout; i++) *r->handles[i] = sc_call_take(call, i);
   sc_call_free(call);
   return status;
}

static int call_op(lua_State *L) {
   Marshal m = {.op = lua_touserdata(L, lua_upvalueindex(1))};
   marshal(L, &m);
   sc_account(L);
   ScTensor **handles[SC_MAXOUT];
   for (int i = SC_MAXOUT - 1; i >= 0; i--) handles[i] = sc_push_handle(L);
   Run r = {.marshal = &m, .handles = handles};
   if (!hold(&m)) return luaL_error(L, "%s: a tensor was freed while the arguments were read", m.op->name);
   ScStatus status = sc_with_retry(run, &r);
   let_go(&m);
   sc_check(L, status);
   if (m.op->in_place) return 0;
   // The handles lie in reverse, so that dropping the unused ones and returning the rest keeps the order.
   int base = lua_gettop(L) - SC_MAXOUT;
   for (int i = 0; i < r.nout; i++) lua_pushvalue(L, base + SC_MAXOUT - i);
   return r.nout;
}

void sc_push_op(lua_State *L, const ScOp *op) {
   lua_pushlightuserdata(L, (void *)op);
   lua_pushcclosure(L, call_op, 1);
}

// The same as the metamethod __call of an object, which is the first argument.
static int call_object(lua_State *L) {
   lua_remove(L, 1);
   return call_op(L);
}

void sc_push_op_call(lua_State *L, const ScOp *op) {
   lua_pushlightuserdata(L, (void *)op);
   lua_pushcclosure(L, call_object, 1);
}

// ---- opening ----

// A method unless host/bind/tensor.c has one of that name, whichever of the two files is opened first.
static void add_method(lua_State *L, const char *name, int methods) {
   if (lua_getfield(L, methods, name) == LUA_TNIL) {
      lua_pushvalue(L, -2);
      lua_setfield(L, methods, name);
   }
   lua_pop(L, 1);
}

static int negate(lua_State *L) { // Lua passes the operand of a unary operator twice
   lua_settop(L, 1);
   lua_pushvalue(L, lua_upvalueindex(1));
   lua_insert(L, 1);
   lua_call(L, 1, 1);
   return 1;
}

// Operators go to the ops of the same meaning.
static void set_operators(lua_State *L, int scute) {
   static const char *const operators[][2] = {
       {"__add", "add"},           {"__sub", "sub"},       {"__mul", "mul"}, {"__div", "div"},
       {"__idiv", "floor_divide"}, {"__mod", "remainder"}, {"__pow", "pow"}};
   luaL_newmetatable(L, SC_TENSOR_TYPE);
   for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
      lua_getfield(L, scute, operators[i][1]);
      lua_setfield(L, -2, operators[i][0]);
   }
   lua_getfield(L, scute, "neg");
   lua_pushcclosure(L, negate, 1);
   lua_setfield(L, -2, "__unm");
   lua_pop(L, 1);
}

static void open_ops(lua_State *L) {
   int scute = lua_gettop(L), methods = scute + 1;
   sc_push_methods(L, SC_TENSOR_TYPE);
   for (int i = 0; sc_op_at(i); i++) {
      const ScOp *op = sc_op_at(i);
      sc_push_op(L, op);
      if (!op->no_method) add_method(L, op->name, methods);
      lua_setfield(L, scute, op->name);
   }
   lua_pop(L, 1);
   set_operators(L, scute);
}
SC_OPENER(open_ops)
