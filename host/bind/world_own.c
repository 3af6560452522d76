// What training asks of scute.world for itself; in every process alike.
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/span.h"
#include "host/core/world.h"
#include "host/core/world_sums.h"

// ---- tensors ----

// The tensors of the list at 1 into memory of Lua's, on top of the stack. They are held by the list.
static ScTensor **check_list(lua_State *L, const char *function, int *n) {
   luaL_checktype(L, 1, LUA_TTABLE);
   *n = sc_list_length(L, 1, function);
   ScTensor **list = sc_push_array(L, *n, sizeof(ScTensor *));
   for (int i = 0; i < *n; i++) {
      lua_rawgeti(L, 1, i + 1);
      list[i] = sc_check_tensor(L, -1, function, "list");
      lua_pop(L, 1);
   }
   return list;
}

// scute.world.sum_gradients(parameters): the gradient of each parameter of the list becomes the sum over all
// processes, in place; one that has none where another process has, gets one
static int sum_gradients(lua_State *L) {
   int n;
   ScTensor **list = check_list(L, "world.sum_gradients", &n);
   int span = sc_span_begin("world.sum_gradients");
   ScStatus status = sc_world_sum_gradients(n, list);
   sc_span_end(span);
   sc_check(L, status);
   return 0;
}

// scute.world.average(tensors, weight): each of the list becomes the sum of weight * tensor over all processes,
// in place; the weights add up to 1
static int average(lua_State *L) {
   int n;
   double weight = luaL_checknumber(L, 2);
   ScTensor **list = check_list(L, "world.average", &n);
   sc_check(L, sc_world_average(n, list, weight));
   return 0;
}

// scute.world.end_attempt(failed) -> true, or false and why: whether any process has run out of memory in what
// they computed together until here, for which each says whether it has
static int end_attempt(lua_State *L) {
   ScStatus status = sc_world_end_attempt(lua_toboolean(L, 1));
   if (status != SC_EMEM) sc_check(L, status);
   lua_pushboolean(L, status == SC_OK);
   if (status == SC_OK) return 1;
   lua_pushstring(L, sc_error());
   return 2;
}

// ---- plain values ----

// scute.world.sums(numbers) -> list: each number of the list, summed over all processes, as floats
static int sums(lua_State *L) {
   luaL_checktype(L, 1, LUA_TTABLE);
   ScCommunicator *world = sc_world();
   int n = sc_list_length(L, 1, "world.sums");
   double *values = sc_push_array(L, n, sizeof *values);
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, 1, i + 1);
      values[i] = luaL_checknumber(L, -1);
      lua_pop(L, 1);
   }
   sc_check(L, world->all_reduce(world, SC_F64, n, values));
   lua_createtable(L, n, 0);
   for (int i = 0; i < n; i++) {
      lua_pushnumber(L, values[i]);
      lua_rawseti(L, -2, i + 1);
   }
   return 1;
}

// scute.world.texts(text) -> list of what each process has given, in the order of ranks
static int texts(lua_State *L) {
   size_t length;
   const char *text = luaL_checklstring(L, 1, &length);
   ScCommunicator *world = sc_world();
   int64_t *lengths = sc_push_array(L, world->size, sizeof *lengths);
   sc_check(L, sc_world_exchange((int64_t)length, lengths));
   lua_createtable(L, world->size, 0);
   for (int rank = 0; rank < world->size; rank++) {
      char *bytes = sc_push_array(L, lengths[rank] + 1, 1);
      if (rank == world->rank) memcpy(bytes, text, length);
      sc_check(L, world->broadcast(world, rank, (size_t)lengths[rank], bytes));
      lua_pushlstring(L, bytes, (size_t)lengths[rank]);
      lua_rawseti(L, -3, rank + 1);
      lua_pop(L, 1);
   }
   return 1;
}

static const luaL_Reg functions[] = {{"sum_gradients", sum_gradients},
                                     {"average", average},
                                     {"end_attempt", end_attempt},
                                     {"sums", sums},
                                     {"texts", texts},
                                     {NULL, NULL}};

static void open_world_own(lua_State *L) {
   luaL_getsubtable(L, -1, "world");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_world_own)
