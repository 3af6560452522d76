// What training asks of scute.world for itself; in every process alike.
#include <string.h>

#include "host/bind/bind.h"
#include "host/core/clock.h"
#include "host/core/place.h"
#include "host/core/reducer.h"
#include "host/core/span.h"
#include "host/core/world.h"
#include "host/core/world_norm.h"
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
   int n = sc_list_length(L, 1, "world.sums");
   double *values = sc_push_array(L, n, sizeof *values);
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, 1, i + 1);
      values[i] = luaL_checknumber(L, -1);
      lua_pop(L, 1);
   }
   sc_check(L, sc_world_sum(SC_F64, n, values));
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
      double start = sc_seconds();
      ScStatus status = world->broadcast(world, rank, (size_t)lengths[rank], bytes);
      sc_world_add_waited(start);
      sc_check(L, status);
      lua_pushlstring(L, bytes, (size_t)lengths[rank]);
      lua_rawseti(L, -3, rank + 1);
      lua_pop(L, 1);
   }
   return 1;
}

// scute.world.same_call(text): fails in all processes where they do not all give the same; one that waits for a
// sum meanwhile is named
static int same_call(lua_State *L) {
   sc_check(L, sc_world_same_call(luaL_checkstring(L, 1)));
   return 0;
}

// scute.world.connect(device): fails where processes cannot add up what is on that device; all of them call it
static int connect(lua_State *L) {
   ScDevice *device;
   ScCommunicator *group;
   sc_check(L, sc_device_find(luaL_checkstring(L, 1), &device));
   sc_check(L, sc_world_for(device, &group));
   return 0;
}

// scute.world.computer() -> a number that the processes of a computer have in common, and others do not; and
// another one for each process where each was given a GPU of its own beforehand, else 0
static int computer(lua_State *L) {
   lua_pushinteger(L, sc_place().computer);
   lua_pushinteger(L, sc_place().own_gpu);
   return 2;
}

// scute.world.name_norm(path): the synchronised batch norm that is computed next is that of this layer
static int name_norm(lua_State *L) {
   sc_world_name_norm(luaL_checkstring(L, 1));
   return 0;
}

// scute.world.waited() -> seconds that this process has waited for others so far
static int waited(lua_State *L) {
   lua_pushnumber(L, sc_world_waited());
   return 1;
}

// ---- gradients ----

#define REDUCER_TYPE "scute.reducer"

// scute.world.reducer(parameters, bytes = 4 MB) -> what adds up the gradients of that list over all processes
// while backward goes on, in buckets of so many bytes (host/core/reducer.h); all of them give the same list
static int reducer(lua_State *L) {
   int n;
   lua_Integer bytes = luaL_optinteger(L, 2, SC_BUCKET);
   luaL_argcheck(L, bytes > 0, 2, "expected a number of bytes");
   ScTensor **list = check_list(L, "world.reducer", &n);
   ScReducer **made = lua_newuserdatauv(L, sizeof *made, 0);
   *made = NULL;
   luaL_setmetatable(L, REDUCER_TYPE);
   sc_check(L, sc_reducer_new(made, n, list, (size_t)bytes));
   return 1;
}

static ScReducer *check_reducer(lua_State *L) {
   ScReducer **reducer = luaL_checkudata(L, 1, REDUCER_TYPE);
   luaL_argcheck(L, *reducer, 1, "it was freed");
   return *reducer;
}

// Backward calls what watches it, whoever still knows of it: the registry holds that.
static void hold(lua_State *L, bool watches) {
   static const char key;
   if (watches) {
      lua_pushvalue(L, 1);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
      return;
   }
   lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
   if (lua_rawequal(L, 1, -1)) {
      lua_pushnil(L);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
   }
   lua_pop(L, 1);
}

// reducer:watch(): the next backward is the last one before finish(); sums begin in it until unwatch(). One at
// a time
static int watch(lua_State *L) {
   sc_check(L, sc_reducer_watch(check_reducer(L)));
   hold(L, true);
   return 0;
}

// reducer:unwatch(): that backward is over, or has failed
static int unwatch(lua_State *L) {
   sc_reducer_unwatch(check_reducer(L));
   hold(L, false);
   return 0;
}

// reducer:begin_rest(spoiled = false): sums that have not begun since the last finish() do now; spoiled: the
// gradients are still to come, and all sums are done once more in finish()
static int begin_rest(lua_State *L) {
   ScStatus status = sc_reducer_begin_rest(check_reducer(L), lua_toboolean(L, 2));
   hold(L, false);
   sc_check(L, status);
   return 0;
}

// reducer:finish(): the gradient of each parameter becomes the sum over all processes, in place; one that has
// none where another process has, gets one
static int finish(lua_State *L) {
   ScReducer *reducer = check_reducer(L);
   int span = sc_span_begin("sums of gradients");
   ScStatus status = sc_reducer_finish(reducer);
   sc_span_end(span);
   hold(L, false);
   sc_check(L, status);
   return 0;
}

// reducer:begun() -> how many sums have begun since the last finish(), and of how many
static int begun(lua_State *L) {
   const ScReducer *reducer = check_reducer(L);
   lua_pushinteger(L, sc_reducer_begun(reducer));
   lua_pushinteger(L, sc_reducer_buckets(reducer));
   return 2;
}

// reducer:free(): gives its memory back; also on collection and <close>
static int release(lua_State *L) {
   ScReducer **reducer = luaL_checkudata(L, 1, REDUCER_TYPE), *dead = *reducer;
   *reducer = NULL;
   sc_reducer_free(dead);
   hold(L, false);
   return 0;
}

static const luaL_Reg methods[] = {{"watch", watch},   {"unwatch", unwatch}, {"begin_rest", begin_rest},
                                   {"finish", finish}, {"begun", begun},     {"free", release},
                                   {NULL, NULL}};
static const luaL_Reg functions[] = {
    {"average", average},     {"end_attempt", end_attempt}, {"sums", sums},       {"texts", texts},
    {"waited", waited},       {"reducer", reducer},         {"connect", connect}, {"computer", computer},
    {"name_norm", name_norm}, {"same_call", same_call},     {NULL, NULL}};

static void open_world_own(lua_State *L) {
   sc_new_type(L, REDUCER_TYPE, methods, release);
   luaL_getsubtable(L, -1, "world");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_world_own)
