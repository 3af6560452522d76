// A function's work on a GPU, recorded once and done again and again: what scute.train uses for its steps.
#include "host/core/graph.h"

#include <stdlib.h>

#include "host/bind/bind.h"

#define GRAPH_TYPE "scute.graph"

typedef struct {
   lua_State *L; // its stack: device, watched
   ScGraph **graph;
} Beginning;

static ScStatus begin(void *context) {
   Beginning *b = context;
   lua_State *L = b->L;
   int n = (int)lua_rawlen(L, 2);
   ScDevice *device;
   sc_graph_free(*b->graph); // of the attempt before this one
   *b->graph = NULL;
   SC_TRY(sc_device_find(luaL_checkstring(L, 1), &device));
   ScTensor **watched = calloc((size_t)n + 1, sizeof *watched);
   if (!watched) return sc_fail(SC_EMEM, "out of memory");
   int found = 0;
   for (int i = 1; i <= n; i++) {
      lua_rawgeti(L, 2, i);
      ScTensor *t = sc_test_tensor(L, -1);
      lua_pop(L, 1);
      if (t) watched[found++] = t;
   }
   ScStatus status = sc_graph_begin(b->graph, device, found, watched);
   free(watched);
   return status;
}

// Leaves nil and why on the stack.
static int refuse(lua_State *L, ScGraph **graph, const char *why) {
   lua_pushstring(L, why);
   sc_graph_free(*graph);
   *graph = NULL;
   lua_pushnil(L);
   lua_insert(L, -2);
   return 2;
}

// scute.record(device, watched, f) -> a graph of the work that f() gives the device, which is recorded and not
// done; nil and why where there is none. watched: a list of all tensors of the device that f reads or writes.
// What f does beside, the graph does not.
static int record(lua_State *L) {
   luaL_checkstring(L, 1);
   luaL_checktype(L, 2, LUA_TTABLE);
   luaL_checktype(L, 3, LUA_TFUNCTION);
   lua_settop(L, 3);
   ScGraph **graph = lua_newuserdatauv(L, sizeof *graph, 0);
   *graph = NULL;
   luaL_setmetatable(L, GRAPH_TYPE);
   if (sc_with_retry(begin, &(Beginning){L, graph}) != SC_OK) return refuse(L, graph, sc_error());
   lua_pushvalue(L, 3);
   if (lua_pcall(L, 0, 0, 0) != LUA_OK) return refuse(L, graph, luaL_tolstring(L, -1, NULL));
   if (sc_graph_end(*graph) != SC_OK) return refuse(L, graph, sc_error());
   lua_settop(L, 4);
   return 1;
}

// graph:launch(...) -> whether it was done, with the content of these tensors in the first ones that it
// watches: false where one of those lies elsewhere by now, or somebody else looks at what it writes
static int launch(lua_State *L) {
   enum { MOST = 4 };
   ScGraph **graph = luaL_checkudata(L, 1, GRAPH_TYPE);
   ScTensor *inputs[MOST];
   int n = lua_gettop(L) - 1;
   bool fits = false;
   luaL_argcheck(L, n <= MOST, 2, "too many tensors");
   for (int i = 0; i < n; i++) inputs[i] = sc_check_tensor(L, i + 2, "launch", "inputs");
   if (*graph) sc_check(L, sc_graph_launch(*graph, n, inputs, &fits));
   lua_pushboolean(L, fits);
   return 1;
}

// graph:free(): gives its memory back; also on collection and <close>
static int release(lua_State *L) {
   ScGraph **graph = luaL_checkudata(L, 1, GRAPH_TYPE), *dead = *graph;
   *graph = NULL;
   sc_graph_free(dead);
   return 0;
}

// scute.graphs([on]) -> whether train.fit may record the work of a step on a GPU and do it again for each
// batch, which leaves the host less to do. On at the start; numbers are the same with and without.
static int graphs(lua_State *L) {
   bool *wanted = sc_graphs();
   if (!lua_isnoneornil(L, 1)) {
      luaL_checktype(L, 1, LUA_TBOOLEAN);
      *wanted = lua_toboolean(L, 1);
   }
   lua_pushboolean(L, *wanted);
   return 1;
}

static const luaL_Reg methods[] = {{"launch", launch}, {"free", release}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"record", record}, {"graphs", graphs}, {NULL, NULL}};

static void open_graph(lua_State *L) {
   sc_new_type(L, GRAPH_TYPE, methods, release);
   luaL_setfuncs(L, functions, 0);
}
SC_OPENER(open_graph)
