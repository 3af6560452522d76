// A tensor cut into a list of parts along a dimension: split, chunk. Each part is the op slice, so that
// gradients come as of that.
#include "host/bind/bind.h"
#include "host/bind/options.h"
#include "host/core/call.h"

typedef struct {
   const char *function, *amount; // the names of it and of its argument
   int value;                     // stack index of the amount
   int64_t dim, n;                // from 0, and its size
} Cut;

static bool is_named(lua_State *L, int index) {
   if (!lua_istable(L, index) || lua_rawlen(L, index) > 0) return false;
   lua_pushnil(L);
   if (!lua_next(L, index)) return false;
   lua_pop(L, 2);
   return true;
}

// The dimension at `index`, the first one where there is none.
static void read_dim(lua_State *L, Cut *cut, int index) {
   const ScTensor *x = sc_check_tensor(L, 1, cut->function, "x");
   int whole = lua_isnoneornil(L, index);
   lua_Integer dim = whole ? 1 : lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : 0;
   if (!whole)
      luaL_error(L, "%s: argument 'dim': expected a dimension, found %s", cut->function,
                 sc_describe_value(L, index));
   if (x->rank == 0)
      luaL_error(L, "%s: argument 'dim': a scalar has no dimensions, found %I", cut->function,
                 (LUAI_UACINT)dim);
   cut->dim = dim < 0 ? dim + x->rank : dim - 1;
   if (cut->dim < 0 || cut->dim >= x->rank)
      luaL_error(L, "%s: argument 'dim': expected a dimension from 1 to %d (or -1 to -%d), found %I",
                 cut->function, x->rank, x->rank, (LUAI_UACINT)dim);
   cut->n = x->shape[cut->dim];
}

// Leaves the amount and the dimension side by side, of { AMOUNT = , dim = } behind x or of { dim = } behind
// both.
static void read_names(lua_State *L, Cut *cut, const char *const *names) {
   int named = lua_gettop(L);
   sc_check_options(L, named, cut->function, names);
   sc_raw_field(L, named, cut->amount);
   if (named == 3) {
      if (!lua_isnil(L, -1)) luaL_error(L, "%s: argument '%s' is given twice", cut->function, cut->amount);
      lua_pop(L, 1);
      lua_pushvalue(L, 2);
   }
   sc_raw_field(L, named, "dim");
   cut->value = named + 1;
}

// x, amount, dim; what comes last may be a table of names.
static Cut read_cut(lua_State *L, const char *function, const char *amount) {
   Cut cut = {.function = function, .amount = amount, .value = 2};
   const char *const names[] = {amount, "dim", NULL};
   if (lua_gettop(L) > 3) luaL_error(L, "%s: too many arguments: expected at most 3", function);
   sc_check_tensor(L, 1, function, "x");
   if (is_named(L, 2) && lua_isnil(L, 3)) lua_settop(L, 2);
   if (is_named(L, lua_gettop(L)))
      read_names(L, &cut, names);
   else if (is_named(L, 2))
      luaL_error(L, "%s: expected all arguments in the table of names, { %s = , dim = }, found %s behind it",
                 function, amount, sc_describe_value(L, 3));
   read_dim(L, &cut, cut.value + 1);
   if (lua_isnoneornil(L, cut.value)) luaL_error(L, "%s: argument '%s' is missing", function, amount);
   return cut;
}

static int64_t read_count(lua_State *L, const Cut *cut, int index) {
   int whole = 0;
   int64_t count = lua_type(L, index) == LUA_TNUMBER ? lua_tointegerx(L, index, &whole) : 0;
   if (!whole || count < 1)
      luaL_error(L, "%s: argument '%s': expected whole numbers of at least 1, found %s", cut->function,
                 cut->amount, sc_describe_value(L, index));
   return count;
}

typedef struct {
   ScTensor **out, *x;
   ScAttr range[3]; // dimension, first, last
} Part;

static ScStatus run_part(void *context) {
   Part *p = context;
   return sc_apply(p->out, "slice", 1, &p->x, p->range, 3);
}

// Appends the entries after number `done`, `count` of them, to the list on top of the stack, as part `number`.
static void push_part(lua_State *L, const Cut *cut, int number, int64_t done, int64_t count) {
   sc_account(L);
   Part p = {.out = sc_push_handle(L), .range = {{.i = cut->dim}, {.i = done + 1}, {.i = done + count}}};
   p.x = sc_check_tensor(L, 1, cut->function, "x");
   sc_check(L, sc_with_retry_holding(run_part, &p, 1, &p.x));
   lua_rawseti(L, -2, number);
}

static int push_equal(lua_State *L, const Cut *cut, int64_t size) {
   lua_newtable(L);
   int number = 0;
   for (int64_t done = 0; done < cut->n; done += size)
      push_part(L, cut, ++number, done, size < cut->n - done ? size : cut->n - done);
   return 1;
}

// That all of them together are the dimension is known before any is made.
static void check_sizes(lua_State *L, const Cut *cut, int parts) {
   int64_t sum = 0;
   for (int i = 1; i <= parts; i++) {
      lua_rawgeti(L, cut->value, i);
      int64_t count = read_count(L, cut, lua_gettop(L));
      lua_pop(L, 1);
      sum = count > INT64_MAX - sum ? INT64_MAX : sum + count;
   }
   if (sum != cut->n)
      luaL_error(L, "%s: argument '%s': the sizes make %I together, dimension %d of shape %s has %I",
                 cut->function, cut->amount, (LUAI_UACINT)sum, (int)cut->dim + 1,
                 sc_shape_text(sc_check_tensor(L, 1, cut->function, "x")), (LUAI_UACINT)cut->n);
}

static int push_sizes(lua_State *L, const Cut *cut) {
   int parts = sc_list_length(L, cut->value, cut->function);
   sc_refuse_names(L, cut->value, cut->function, cut->amount);
   check_sizes(L, cut, parts);
   lua_newtable(L);
   int64_t done = 0;
   for (int i = 1; i <= parts; i++) {
      lua_rawgeti(L, cut->value, i);
      int64_t count = read_count(L, cut, lua_gettop(L));
      lua_pop(L, 1);
      push_part(L, cut, i, done, count);
      done += count;
   }
   return 1;
}

// scute.split(x, size, dim = 1) -> list of tensors: x cut along a dimension into parts of `size` entries, the
// last one smaller where it does not come out even; or of the sizes in a list, { 3, 2 }. `a, b =
// table.unpack(x:split(2))` names them. They are copies; scute.concat puts them together again
static int split(lua_State *L) {
   Cut cut = read_cut(L, "split", "size");
   if (lua_istable(L, cut.value)) return push_sizes(L, &cut);
   return push_equal(L, &cut, read_count(L, &cut, cut.value));
}

// scute.chunk(x, chunks, dim = 1) -> list of tensors: x cut along a dimension into so many equal parts; where
// that does not come out even the last one is smaller, or there are fewer
static int chunk(lua_State *L) {
   Cut cut = read_cut(L, "chunk", "chunks");
   int64_t chunks = read_count(L, &cut, cut.value), most = chunks < cut.n ? chunks : cut.n;
   return push_equal(L, &cut, (cut.n + most - 1) / most);
}

// t:split(size, dim = 1) -> list of tensors: as scute.split
static int split_method(lua_State *L) {
   return split(L);
}

// t:chunk(chunks, dim = 1) -> list of tensors: as scute.chunk
static int chunk_method(lua_State *L) {
   return chunk(L);
}

// Help knows functions by what they are, so the methods are functions of their own.
static void open_split(lua_State *L) {
   static const luaL_Reg functions[] = {{"split", split}, {"chunk", chunk}, {NULL, NULL}};
   static const luaL_Reg methods[] = {{"split", split_method}, {"chunk", chunk_method}, {NULL, NULL}};
   luaL_setfuncs(L, functions, 0);
   sc_push_methods(L, SC_TENSOR_TYPE);
   luaL_setfuncs(L, methods, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_split)
