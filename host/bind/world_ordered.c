// What ordered training asks of scute.world for itself (see host/core/world_ordered.h); in every process alike.
#include "host/bind/bind.h"
#include "host/core/span.h"
#include "host/core/world_ordered.h"

// The tensors of the list on top of the stack, n of them; false where there is none, if `some` may be missing.
// They are held by the list.
static void read_list(lua_State *L, const char *function, int n, bool some, ScTensor **into) {
   for (int i = 0; i < n; i++) {
      lua_rawgeti(L, -1, i + 1);
      bool none = some && lua_isboolean(L, -1) && !lua_toboolean(L, -1);
      into[i] = none ? NULL : sc_check_tensor(L, -1, function, "list");
      lua_pop(L, 1);
   }
}

// The list at an index into memory of Lua's, on top of the stack.
static ScTensor **check_list(lua_State *L, int index, const char *function, bool some, int *n) {
   luaL_checktype(L, index, LUA_TTABLE);
   *n = sc_list_length(L, index, function);
   ScTensor **list = sc_push_array(L, *n, sizeof(ScTensor *));
   lua_pushvalue(L, index);
   read_list(L, function, *n, some, list);
   lua_pop(L, 1);
   return list;
}

// scute.world.add_parts(totals, parts, of): adds to each total what each part has in its place (a list; false:
// nothing), the parts of all processes in their order; of: how many there are in all. See share_totals
static int add_parts(lua_State *L) {
   static const char function[] = "world.add_parts";
   int n, parts, of = (int)luaL_checkinteger(L, 3);
   ScTensor **totals = check_list(L, 1, function, false, &n);
   luaL_checktype(L, 2, LUA_TTABLE);
   parts = sc_list_length(L, 2, function);
   ScTensor **mine = sc_push_array(L, (int64_t)parts * n, sizeof(ScTensor *));
   for (int i = 0; i < parts; i++) {
      lua_rawgeti(L, 2, i + 1);
      luaL_checktype(L, -1, LUA_TTABLE);
      read_list(L, function, n, true, mine + (ptrdiff_t)i * n);
      lua_pop(L, 1);
   }
   int span = sc_span_begin(function);
   ScStatus status = sc_world_add_parts(n, totals, parts, mine, of);
   sc_span_end(span);
   sc_check(L, status);
   return 0;
}

// scute.world.share_totals(totals, of): after add_parts, brings the totals to all processes
static int share_totals(lua_State *L) {
   int n, of = (int)luaL_checkinteger(L, 2);
   ScTensor **totals = check_list(L, 1, "world.share_totals", false, &n);
   int span = sc_span_begin("world.share_totals");
   ScStatus status = sc_world_share_totals(n, totals, of);
   sc_span_end(span);
   sc_check(L, status);
   return 0;
}

// scute.world.set_gradients(parameters, gradients): each parameter gets the one in its place (false: none)
static int set_gradients(lua_State *L) {
   static const char function[] = "world.set_gradients";
   int n, given;
   ScTensor **parameters = check_list(L, 1, function, false, &n);
   ScTensor **gradients = check_list(L, 2, function, true, &given);
   if (given != n) return luaL_error(L, "%s: expected %d gradients, found %d", function, n, given);
   for (int i = 0; i < n; i++) {
      const ScTensor *p = parameters[i], *g = gradients[i];
      if (g && (g->dtype != p->dtype || g->device != p->device || !sc_same_shape(p, g)))
         return luaL_error(L, "%s: number %d is not like its parameter", function, i + 1);
   }
   for (int i = 0; i < n; i++) {
      ScTensor *before = parameters[i]->grad;
      parameters[i]->grad = gradients[i] ? sc_tensor_retain(gradients[i]) : NULL;
      sc_tensor_release(before);
   }
   return 0;
}

static const luaL_Reg functions[] = {
    {"add_parts", add_parts}, {"share_totals", share_totals}, {"set_gradients", set_gradients}, {NULL, NULL}};

static void open_world_ordered(lua_State *L) {
   luaL_getsubtable(L, -1, "world");
   luaL_setfuncs(L, functions, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_world_ordered)
