#include "host/bind/bind.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/bind/interrupt.h"
#include "host/core/span.h"
#include "host/core/transfer.h"

ScTensor **sc_push_handle(lua_State *L) {
   ScTensor **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, SC_TENSOR_TYPE);
   return handle;
}

ScTensor *sc_test_tensor(lua_State *L, int index) {
   ScTensor **handle = luaL_testudata(L, index, SC_TENSOR_TYPE);
   return handle ? *handle : NULL;
}

ScTensor *sc_check_tensor(lua_State *L, int index, const char *function, const char *argument) {
   ScTensor **handle = luaL_testudata(L, index, SC_TENSOR_TYPE);
   if (!handle)
      luaL_error(L, "%s: argument '%s': expected a tensor, found %s", function, argument,
                 sc_describe_value(L, index));
   if (!*handle)
      luaL_error(L, "%s: argument '%s': this tensor was freed by :free() or <close>", function, argument);
   return *handle;
}

const char *sc_describe_value(lua_State *L, int index) {
   static char text[160];
   ScTensor *t = sc_test_tensor(L, index);
   if (t)
      snprintf(text, sizeof text, "a tensor %s", sc_shape_text(t));
   else if (lua_type(L, index) == LUA_TSTRING)
      snprintf(text, sizeof text, "'%.100s'", lua_tostring(L, index));
   else if (lua_isinteger(L, index))
      snprintf(text, sizeof text, "%lld", lua_tointeger(L, index));
   else if (lua_type(L, index) == LUA_TNUMBER)
      snprintf(text, sizeof text, "%.14g", lua_tonumber(L, index));
   else if (lua_isboolean(L, index))
      snprintf(text, sizeof text, "%s", lua_toboolean(L, index) ? "true" : "false");
   else if (lua_isnoneornil(L, index))
      snprintf(text, sizeof text, "nothing");
   else
      snprintf(text, sizeof text, "a %s", luaL_typename(L, index));
   return text;
}

ScStatus sc_with_retry_holding(ScStatus (*run)(void *context), void *context, int n, ScTensor *const *tensors) {
   for (int i = 0; i < n; i++)
      if (tensors[i]) sc_tensor_retain(tensors[i]);
   ScStatus status = sc_with_retry(run, context);
   for (int i = 0; i < n; i++) sc_tensor_release(tensors[i]);
   return status;
}

static int64_t check_entry(lua_State *L, int index, const char *function) {
   int exact;
   int64_t value = lua_tointegerx(L, index, &exact);
   if (!exact || lua_type(L, index) != LUA_TNUMBER)
      luaL_error(L, "%s: a shape is made of whole numbers, found %s", function, sc_describe_value(L, index));
   return value;
}

int sc_check_shape(lua_State *L, int first, const char *function, int64_t shape[SC_MAXRANK]) {
   int table = lua_istable(L, first);
   int n = table ? sc_list_length(L, first, function) : lua_gettop(L) - first + 1;
   if (n < 0) n = 0;
   if (table && lua_gettop(L) > first)
      luaL_error(L, "%s: a shape is one table, or the numbers themselves; found %s behind a table", function,
                 sc_describe_value(L, first + 1));
   if (n > SC_MAXRANK) luaL_error(L, "%s: at most %d dimensions, found %d", function, SC_MAXRANK, n);
   if (table) sc_refuse_names(L, first, function, "shape");
   for (int i = 0; i < n; i++) {
      if (table)
         lua_rawgeti(L, first, i + 1);
      else
         lua_pushvalue(L, first + i);
      shape[i] = check_entry(L, -1, function);
      lua_pop(L, 1);
   }
   return n;
}

static size_t live_after_collection;

void sc_account(lua_State *L) {
   size_t live = sc_live_bytes();
   size_t allowed = 2 * live_after_collection;
   if (live <= allowed || live <= (size_t)256 << 20) return;
   int span = sc_span_begin("collecting garbage");
   lua_gc(L, LUA_GCCOLLECT);
   sc_span_end(span);
   live_after_collection = sc_live_bytes();
}

typedef struct {
   ScTensor **handle;
   ScDevice *device;
   ScDtype dtype;
   int rank;
   const int64_t *shape;
} New;

static ScStatus make(void *context) {
   const New *n = context;
   return sc_tensor_new(n->handle, n->device, n->dtype, n->rank, n->shape);
}

ScTensor *sc_push_new_tensor(lua_State *L, ScDevice *device, ScDtype dtype, int rank, const int64_t *shape) {
   sc_account(L);
   New n = {sc_push_handle(L), device, dtype, rank, shape};
   sc_check(L, sc_with_retry(make, &n));
   return *n.handle;
}

typedef struct {
   ScTensor *to;
   bool exact; // the whole number, else the value
   int64_t whole;
   double value;
} Filling;

static ScStatus fill(void *context) {
   const Filling *f = context;
   return f->exact ? sc_tensor_fill_element(f->to, &f->whole) : sc_tensor_fill(f->to, f->value);
}

void sc_fill_number(lua_State *L, ScTensor *t, int index) {
   Filling f = {t, t->dtype == SC_I64 && lua_isinteger(L, index), lua_tointeger(L, index),
                luaL_checknumber(L, index)};
   sc_check(L, sc_with_retry_holding(fill, &f, 1, &t));
}

// ---- memory of malloc's ----

#define BLOCK_TYPE "scute.block"

char **sc_push_block(lua_State *L) {
   char **block = lua_newuserdatauv(L, sizeof *block, 0);
   *block = NULL;
   luaL_setmetatable(L, BLOCK_TYPE);
   return block;
}

static int free_block(lua_State *L) {
   char **block = luaL_checkudata(L, 1, BLOCK_TYPE);
   free(*block);
   *block = NULL;
   return 0;
}

static void open_block(lua_State *L) {
   luaL_newmetatable(L, BLOCK_TYPE);
   lua_pushcfunction(L, free_block);
   lua_setfield(L, -2, "__gc");
   lua_pop(L, 1);
}
SC_OPENER(open_block)

// ---- memory that runs out ----

static void collect(void) {
   int span = sc_span_begin("collecting garbage");
   lua_gc(sc_running_state(), LUA_GCCOLLECT);
   sc_span_end(span);
}

static void open_collector(lua_State *L) {
   (void)L;
   sc_set_collector(collect);
}
SC_OPENER(open_collector)
