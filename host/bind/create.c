// Tensors out of nothing: zeros, ones, full, eye, randn, rand, randint, randperm, arange, linspace, and from
// Lua tables.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/rng.h"
#include "host/core/span.h"
#include "host/core/suggest.h"
#include "host/core/transfer.h"

typedef struct {
   ScDtype dtype;
   ScDevice *device;
   bool requires_grad;
   int last; // stack index of the last argument that is not the table of options
} Options;

// The value on top of the stack is none.
static void reject_dtype(lua_State *L, const char *function) {
   static const char *const known[] = {"f32",     "f64",     "f16",      "bf16",  "i64",  "u8",
                                       "float32", "float64", "bfloat16", "int64", "uint8"};
   const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
   luaL_error(L, "%s: option 'dtype': expected f32, f64, f16, bf16, i64 or u8, found %s%s", function,
              sc_describe_value(L, -1), sc_meant(name, sizeof known / sizeof known[0], known));
}

// {dtype = "f32", device = "cpu", requires_grad = false} as the last argument.
static Options read_options(lua_State *L, const char *function, ScDtype preset) {
   Options options = {preset, sc_device_cpu(), false, lua_gettop(L)};
   if (options.last < 1 || !lua_istable(L, options.last) || lua_rawlen(L, options.last) > 0) return options;
   int table = options.last--;
   lua_pushnil(L);
   while (lua_next(L, table)) {
      const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
      if (strcmp(key, "dtype") == 0) {
         if (!lua_isstring(L, -1) || !sc_dtype_parse(lua_tostring(L, -1), &options.dtype))
            reject_dtype(L, function);
      } else if (strcmp(key, "device") == 0) {
         sc_check(L, sc_device_find(luaL_checkstring(L, -1), &options.device));
      } else if (strcmp(key, "requires_grad") == 0) {
         options.requires_grad = lua_toboolean(L, -1);
      } else {
         static const char *const known[] = {"dtype", "device", "requires_grad"};
         luaL_error(L, "%s: unknown option '%s'; expected dtype, device or requires_grad%s", function, key,
                    sc_meant(key, 3, known));
      }
      lua_pop(L, 1);
   }
   lua_settop(L, options.last);
   return options;
}

static ScTensor *new_tensor(lua_State *L, const Options *options, int rank, const int64_t *shape) {
   if (options->requires_grad && !sc_dtype_is_float(options->dtype))
      luaL_error(L, "option 'requires_grad': expected a floating-point dtype, found %s",
                 sc_dtype_name(options->dtype));
   ScTensor *t = sc_push_new_tensor(L, options->device, options->dtype, rank, shape);
   t->requires_grad = options->requires_grad;
   return t;
}

// With the number that is the first argument.
static int filled(lua_State *L, const char *function) {
   Options options = read_options(L, function, SC_F32);
   int64_t shape[SC_MAXRANK];
   int rank = sc_check_shape(L, 2, function, shape);
   sc_fill_number(L, new_tensor(L, &options, rank, shape), 1);
   return 1;
}

static int filled_with(lua_State *L, const char *function, lua_Integer value) {
   lua_pushinteger(L, value);
   lua_insert(L, 1);
   return filled(L, function);
}

// scute.zeros(2, 3, {dtype = "f32", device = "cpu", requires_grad = false}); shapes as numbers or one table
static int zeros(lua_State *L) {
   return filled_with(L, "zeros", 0);
}

// scute.ones(2, 3, {...}): a tensor of ones; shape and options as of scute.zeros
static int ones(lua_State *L) {
   return filled_with(L, "ones", 1);
}

// scute.full({2, 3}, value, {...}): a tensor of that value everywhere; options as of scute.zeros
static int full(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   luaL_checknumber(L, 2);
   lua_pushvalue(L, 2);
   lua_remove(L, 2);
   lua_insert(L, 1);
   return filled(L, "full");
}

// Draws are made in logical order, so that they do not depend on the memory order.
static int drawn(lua_State *L, const char *function, void (*draw)(uint64_t, uint64_t, int64_t, double *)) {
   Options options = read_options(L, function, SC_F32);
   int64_t shape[SC_MAXRANK];
   int rank = sc_check_shape(L, 1, function, shape);
   ScTensor *t = new_tensor(L, &options, rank, shape);
   int64_t n = sc_numel(t);
   double *values = malloc((size_t)n * sizeof *values);
   if (!values) sc_check(L, sc_fail(SC_EMEM, "%s: out of memory", function));
   int span = sc_span_begin("random numbers");
   draw(sc_rng()->seed, sc_rng_stream(), n, values);
   ScStatus status = sc_tensor_write_f64(t, values);
   sc_span_end(span);
   free(values);
   sc_check(L, status);
   return 1;
}

// scute.randn(2, 3, {...}): standard normal
static int randn(lua_State *L) {
   return drawn(L, "randn", sc_normals);
}

// scute.rand(2, 3, {...}): uniform in [0, 1)
static int rand_(lua_State *L) {
   return drawn(L, "rand", sc_uniforms);
}

// ---- whole numbers ----

static const char *describe_argument(lua_State *L, int index) {
   return lua_isnoneornil(L, index) ? "nothing" : sc_describe_value(L, index);
}

static int64_t check_whole(lua_State *L, int index, const char *function, const char *name) {
   int exact;
   int64_t value = lua_tointegerx(L, index, &exact);
   if (!exact || lua_type(L, index) != LUA_TNUMBER)
      luaL_error(L, "%s: argument '%s': expected a whole number, found %s", function, name,
                 describe_argument(L, index));
   return value;
}

static int64_t check_count(lua_State *L, int index, const char *function, const char *name) {
   int64_t n = check_whole(L, index, function, name);
   if (n < 1) luaL_error(L, "%s: argument '%s': expected at least 1, found %I", function, name, (LUAI_UACINT)n);
   return n;
}

static void check_most(lua_State *L, const Options *options, int most, const char *function) {
   if (options->last > most)
      luaL_error(L, "%s: too many arguments: expected at most %d and a table of options, found %s", function,
                 most, sc_describe_value(L, most + 1));
}

// n of them, in logical order.
static void write_whole(lua_State *L, ScTensor *t, const int64_t *values) {
   int64_t n = sc_numel(t);
   char *own = sc_push_array(L, (int64_t)sc_nbytes(t), 1);
   if (t->dtype == SC_I64)
      memcpy(own, values, sc_nbytes(t));
   else
      sc_convert(t->dtype, own, SC_I64, values, n);
   sc_check(L, sc_tensor_write(t, own));
   lua_pop(L, 1);
}

// Whole numbers from `low` to `high` are all there is between them in that dtype.
static void check_range(lua_State *L, const char *function, ScDtype dtype, int64_t low, int64_t high) {
   int64_t least = INT64_MIN, most = INT64_MAX;
   switch (dtype) {
   case SC_U8: least = 0, most = 255; break;
   case SC_BF16: most = 256; break;
   case SC_F16: most = 2048; break;
   case SC_F32: most = 1 << 24; break;
   case SC_F64: most = (int64_t)1 << 53; break;
   default: break;
   }
   if (sc_dtype_is_float(dtype)) least = -most;
   if (low < least || high > most)
      luaL_error(L, "%s: option 'dtype': %s holds the whole numbers from %I to %I, not all from %I to %I",
                 function, sc_dtype_name(dtype), (LUAI_UACINT)least, (LUAI_UACINT)most, (LUAI_UACINT)low,
                 (LUAI_UACINT)high);
}

// scute.randperm(n, {dtype = "i64", device = "cpu"}) -> tensor (n), a permutation of 1..n
static int randperm(lua_State *L) {
   Options options = read_options(L, "randperm", SC_I64);
   int64_t n = check_count(L, 1, "randperm", "n");
   check_most(L, &options, 1, "randperm");
   check_range(L, "randperm", options.dtype, 1, n);
   ScTensor *t = new_tensor(L, &options, 1, &n);
   int64_t *order = sc_push_array(L, n, sizeof *order);
   sc_permutation(sc_rng()->seed, sc_rng_stream(), n, order);
   for (int64_t i = 0; i < n; i++) order[i]++;
   write_whole(L, t, order);
   lua_pop(L, 1);
   return 1;
}

// scute.randint(low, high, 2, 3, {dtype = "i64", device = "cpu"}): whole numbers from low up to and with high,
// as math.random(low, high) gives them (in PyTorch high is left out); scute.randint(high, {2, 3}) begins at 1.
// The shape is given as numbers or one table.
static int randint(lua_State *L) {
   Options options = read_options(L, "randint", SC_I64);
   if (lua_istable(L, 2)) lua_pushinteger(L, 1), lua_insert(L, 1), options.last++;
   int64_t low = check_whole(L, 1, "randint", "low"), high = check_whole(L, 2, "randint", "high");
   if (low > high)
      return luaL_error(L, "randint: expected a 'low' of at most 'high', found %I and %I", (LUAI_UACINT)low,
                        (LUAI_UACINT)high);
   check_range(L, "randint", options.dtype, low, high);
   int64_t shape[SC_MAXRANK];
   int rank = sc_check_shape(L, 3, "randint", shape);
   ScTensor *t = new_tensor(L, &options, rank, shape);
   int64_t n = sc_numel(t), *values = sc_push_array(L, n, sizeof *values);
   sc_integers(sc_rng()->seed, sc_rng_stream(), low, high, n, values);
   write_whole(L, t, values);
   lua_pop(L, 1);
   return 1;
}

// scute.eye(n, columns = n, {...}): ones where row and column are the same, zeros elsewhere; options as of
// scute.zeros
static int eye(lua_State *L) {
   Options options = read_options(L, "eye", SC_F32);
   check_most(L, &options, 2, "eye");
   int64_t rows = check_count(L, 1, "eye", "n");
   int64_t columns = options.last >= 2 ? check_count(L, 2, "eye", "columns") : rows;
   ScTensor *t = new_tensor(L, &options, 2, (int64_t[]){rows, columns});
   char *values = sc_push_array(L, sc_numel(t), sc_dtype_size(t->dtype));
   memset(values, 0, sc_nbytes(t)); // which is 0 in every dtype
   for (int64_t i = 0; i < rows && i < columns; i++) sc_store(t->dtype, values, i * (columns + 1), 1);
   sc_check(L, sc_tensor_write(t, values));
   lua_pop(L, 1);
   return 1;
}

// ---- ranges ----

static double check_finite(lua_State *L, int index, const char *function, const char *name) {
   if (lua_type(L, index) != LUA_TNUMBER || !isfinite(lua_tonumber(L, index)))
      luaL_error(L, "%s: argument '%s': expected a finite number, found %s", function, name,
                 describe_argument(L, index));
   return lua_tonumber(L, index);
}

// The dtype saturates at its ends, of floating point at infinity.
static void check_held(lua_State *L, int index, const char *function, const char *name, ScDtype dtype) {
   double entry, value = lua_tonumber(L, index);
   sc_store(dtype, &entry, 0, value);
   double held = sc_load(dtype, &entry, 0);
   if (isfinite(held) && (sc_dtype_is_float(dtype) || fabs(held - value) < 1)) return;
   luaL_error(L, "%s: argument '%s': expected a number that %s holds, found %s", function, name,
              sc_dtype_name(dtype), sc_describe_value(L, index));
}

// scute.linspace(first, last, steps, {...}): so many numbers from first to last, all as far from the next;
// options as of scute.zeros
static int linspace(lua_State *L) {
   Options options = read_options(L, "linspace", SC_F32);
   check_most(L, &options, 3, "linspace");
   double first = check_finite(L, 1, "linspace", "first"), last = check_finite(L, 2, "linspace", "last");
   int64_t n = check_count(L, 3, "linspace", "steps");
   check_held(L, 1, "linspace", "first", options.dtype);
   check_held(L, 2, "linspace", "last", options.dtype);
   ScTensor *t = new_tensor(L, &options, 1, &n);
   double *values = sc_push_array(L, n, sizeof *values), gaps = n > 1 ? (double)(n - 1) : 1;
   double step = (last - first) / gaps;
   if (!isfinite(step)) step = last / gaps - first / gaps; // only their distance is beyond the range
   // Each half from its own end, which is exact.
   for (int64_t i = 0; i < n; i++)
      values[i] = 2 * i < n ? first + step * (double)i : last - step * (double)(n - 1 - i);
   sc_check(L, sc_tensor_write_f64(t, values));
   lua_pop(L, 1);
   return 1;
}

// scute.arange(first, last, step = 1, {...}): first, first + step, ... up to and with last
static int arange(lua_State *L) {
   Options options = read_options(L, "arange", SC_F32);
   double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
   double step = options.last >= 3 ? luaL_checknumber(L, 3) : 1;
   double count = step != 0 ? (last - first) / step : -1;
   if (!(count >= 0 && count < 1e12))
      return luaL_error(L, "arange: no numbers lead from %f to %f in steps of %f", first, last, step);
   int64_t n = (int64_t)(count + 1e-9) + 1;
   ScTensor *t = new_tensor(L, &options, 1, &n);
   double *values = sc_push_array(L, n, sizeof *values);
   for (int64_t i = 0; i < n; i++) values[i] = first + step * (double)i;
   sc_check(L, sc_tensor_write_f64(t, values));
   lua_pop(L, 1);
   return 1;
}

// ---- from tables ----

static int find_table_shape(lua_State *L, int64_t shape[SC_MAXRANK]) {
   int rank = 0, base = lua_gettop(L);
   lua_pushvalue(L, 1);
   while (lua_istable(L, -1)) {
      if (rank == SC_MAXRANK) luaL_error(L, "tensor: tables are nested deeper than %d levels", SC_MAXRANK);
      shape[rank] = sc_list_length(L, -1, "tensor");
      if (shape[rank++] == 0) luaL_error(L, "tensor: the table is empty");
      lua_rawgeti(L, -1, 1);
   }
   lua_settop(L, base);
   return rank;
}

typedef struct {
   int rank;
   const int64_t *shape;
   ScDtype dtype;
   void *values; // of that dtype
   int64_t at;
} Reading;

// The number on top of the stack as element `at`; one for i64 keeps all its digits.
static void store_number(lua_State *L, ScDtype dtype, void *values, int64_t at) {
   if (dtype == SC_I64 && lua_isinteger(L, -1))
      ((int64_t *)values)[at] = lua_tointeger(L, -1);
   else
      sc_store(dtype, values, at, lua_tonumber(L, -1));
}

static void read_nested(lua_State *L, Reading *r, int depth) {
   luaL_checkstack(L, 3, "");
   if (depth == r->rank) {
      if (lua_type(L, -1) != LUA_TNUMBER)
         luaL_error(L, "tensor: expected numbers, found %s at position %I", sc_describe_value(L, -1),
                    (LUAI_UACINT)r->at + 1);
      store_number(L, r->dtype, r->values, r->at++);
      return;
   }
   if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != r->shape[depth])
      luaL_error(L, "tensor: rows differ in length: expected %d entries at depth %d, found %s",
                 (int)r->shape[depth], depth + 1,
                 lua_istable(L, -1) ? "another number" : sc_describe_value(L, -1));
   for (int64_t i = 1; i <= r->shape[depth]; i++) {
      lua_rawgeti(L, -1, i);
      read_nested(L, r, depth + 1);
      lua_pop(L, 1);
   }
}

// scute.tensor(number or nested tables, read raw, {dtype = , device = , requires_grad = }); f32 unless said
// otherwise
static int tensor(lua_State *L) {
   int has_options = lua_istable(L, 2);
   Options options = {SC_F32, sc_device_cpu(), false, 1};
   if (has_options) {
      options = read_options(L, "tensor", SC_F32);
   } else if (!lua_isnoneornil(L, 2)) {
      return luaL_error(L, "tensor: expected a table of options, found %s", sc_describe_value(L, 2));
   }
   if (!lua_istable(L, 1) && lua_type(L, 1) != LUA_TNUMBER)
      return luaL_error(L, "tensor: expected a number or nested tables of numbers, found %s",
                        sc_describe_value(L, 1));
   if (lua_istable(L, 1)) sc_refuse_names(L, 1, "tensor", "values");
   int64_t shape[SC_MAXRANK];
   int rank = find_table_shape(L, shape);
   ScTensor *t = new_tensor(L, &options, rank, shape); // first: it knows which sizes there are
   Reading r = {rank, shape, t->dtype, sc_push_array(L, (int64_t)sc_nbytes(t), 1), 0};
   lua_pushvalue(L, 1);
   read_nested(L, &r, 0);
   sc_check(L, sc_tensor_write(t, r.values));
   lua_pop(L, 2);
   return 1;
}

static const luaL_Reg functions[] = {{"zeros", zeros},       {"ones", ones},       {"full", full},
                                     {"randn", randn},       {"rand", rand_},      {"randperm", randperm},
                                     {"arange", arange},     {"tensor", tensor},   {"eye", eye},
                                     {"linspace", linspace}, {"randint", randint}, {NULL, NULL}};

static void open_create(lua_State *L) {
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_create)
