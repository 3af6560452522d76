// scute.transcript: what scute.export makes a graph of (lua/scute/export/trace.lua).
#include "host/core/transcript.h"

#include <string.h>

#include "host/bind/bind.h"
#include "host/core/layer.h"

enum { MOST = 8 }; // inputs of a model

// scute.transcript.begin(inputs): the calls that follow are written down, as far as they compute from these
// tensors, until finish
static int begin(lua_State *L) {
   ScTensor *inputs[MOST];
   luaL_checktype(L, 1, LUA_TTABLE);
   int n = (int)lua_rawlen(L, 1);
   luaL_argcheck(L, n <= MOST, 1, "too many tensors");
   luaL_checkstack(L, MOST, "");
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, 1, i + 1);
      inputs[i] = sc_check_tensor(L, -1, "transcript.begin", "inputs");
   }
   sc_check(L, sc_transcript_begin(n, inputs));
   return 0;
}

// scute.transcript.finish(): ends what begin began
static int finish(lua_State *L) {
   (void)L;
   sc_transcript_end();
   return 0;
}

// scute.transcript.find(tensor) -> the number of the value that it is; nil where it is none
static int find(lua_State *L) {
   int number = sc_transcript_find(sc_check_tensor(L, 1, "transcript.find", "tensor"));
   if (!number) return 0;
   lua_pushinteger(L, number);
   return 1;
}

static void push_ints(lua_State *L, int n, const int64_t *values) {
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      lua_pushinteger(L, values[i]);
      lua_rawseti(L, -2, i + 1);
   }
}

static void push_tensor(lua_State *L, ScTensor *t) {
   ScTensor **handle = sc_push_handle(L);
   *handle = sc_tensor_retain(t);
}

static void push_value(lua_State *L, ScValue value) {
   lua_createtable(L, 0, 4);
   push_ints(L, value.rank, value.shape);
   lua_setfield(L, -2, "shape");
   lua_pushstring(L, sc_dtype_name(value.dtype));
   lua_setfield(L, -2, "dtype");
   lua_pushinteger(L, (lua_Integer)value.stamp);
   lua_setfield(L, -2, "stamp");
   if (!value.constant) return;
   push_tensor(L, value.constant);
   lua_setfield(L, -2, "constant");
}

// scute.transcript.values() -> list of { shape, dtype, stamp = the same of another value: the same content,
// constant = its tensor, where it is one }
static int values(lua_State *L) {
   const ScValue *all; // looked up anew each time: a finalizer may call ops
   int n = sc_transcript_values(&all);
   lua_createtable(L, n, 0);
   for (int i = 0; i < sc_transcript_values(&all); i++) {
      push_value(L, all[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

static void push_choice(lua_State *L, const char *choices, int64_t which) {
   for (; which > 0; which--) choices = strchr(choices, '|') + 1;
   lua_pushlstring(L, choices, strcspn(choices, "|"));
}

static void push_attr(lua_State *L, const ScParam *param, const ScAttr *attr) {
   switch (param->kind) {
   case SC_NUMBER: lua_pushnumber(L, attr->f); break;
   case SC_BOOL: lua_pushboolean(L, attr->i != 0); break;
   case SC_PAIR:
      if (param->choices && attr->ints.v[0] == SC_PAIR_WORD) {
         lua_pushstring(L, param->choices);
         break;
      }
      push_ints(L, attr->ints.n, attr->ints.v);
      break;
   case SC_INTS:
   case SC_DIMS: push_ints(L, attr->ints.n, attr->ints.v); break;
   case SC_DTYPE: lua_pushstring(L, sc_dtype_name((ScDtype)attr->i)); break;
   case SC_DEVICE: lua_pushstring(L, attr->device ? attr->device->name : ""); break;
   case SC_CHOICE: push_choice(L, param->choices, attr->i); break;
   default: lua_pushinteger(L, attr->i);
   }
}

static bool is_absent(const ScParam *param, const ScAttr *attr) {
   if (param->kind == SC_DIM) return attr->i == SC_NODIM;
   return param->optional && (param->kind == SC_DIMS || param->kind == SC_INTS) && attr->ints.n == 0;
}

static bool is_tensor(const ScParam *param) {
   return param->kind == SC_TENSOR || param->kind == SC_OPERAND || param->kind == SC_TENSORS;
}

// Pushes two tables: the arguments by name, and whether the op itself found or changed them.
static void push_attrs(lua_State *L, const ScWrittenCall *call) {
   lua_newtable(L);
   lua_newtable(L);
   for (int p = 0, at = 0; p < call->op->nparams; p++) {
      const ScParam *param = &call->op->params[p];
      if (is_tensor(param)) continue;
      bool completed = call->completed >> at & 1;
      const ScAttr *attr = &call->attr[at++];
      if (is_absent(param, attr)) continue;
      push_attr(L, param, attr);
      lua_setfield(L, -3, param->name);
      lua_pushboolean(L, completed);
      lua_setfield(L, -2, param->name);
   }
}

// Numbers of values, false where one is absent.
static void push_numbers(lua_State *L, int n, const int *numbers) {
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      if (numbers[i])
         lua_pushinteger(L, numbers[i]);
      else
         lua_pushboolean(L, false);
      lua_rawseti(L, -2, i + 1);
   }
}

// An op by its name. A kernel of a script's own may have the name of an op, and computes something else.
static void push_op(lua_State *L, const ScOp *op) {
   if (sc_op_find(op->name) == op)
      lua_pushstring(L, op->name);
   else
      lua_pushfstring(L, "kernel '%s'", op->name);
}

static void push_call(lua_State *L, const ScWrittenCall *call) {
   lua_createtable(L, 0, 6);
   push_op(L, call->op);
   lua_setfield(L, -2, "op");
   lua_pushstring(L, sc_layer_path(call->layer));
   lua_setfield(L, -2, "layer");
   push_numbers(L, call->nin, call->in);
   lua_setfield(L, -2, "inputs");
   push_numbers(L, call->nout, call->out);
   lua_setfield(L, -2, "outputs");
   push_attrs(L, call);
   lua_setfield(L, -3, "completed");
   lua_setfield(L, -2, "attrs");
}

// scute.transcript.calls() -> list of { op, layer = its path, inputs = numbers of values, laid flat, false
// where one is absent, outputs, attrs = the other arguments by name, dimensions counted from 0, completed = by
// name whether the op itself found or changed it }
static int calls(lua_State *L) {
   const ScWrittenCall *all;
   int n = sc_transcript_calls(&all);
   lua_createtable(L, n, 0);
   for (int i = 0; i < sc_transcript_calls(&all); i++) {
      ScWrittenCall call = all[i];
      push_call(L, &call);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

static const luaL_Reg functions[] = {{"begin", begin},   {"finish", finish}, {"find", find},
                                     {"values", values}, {"calls", calls},   {NULL, NULL}};

static void open_transcript(lua_State *L) {
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "transcript");
}
SC_OPENER(open_transcript)
