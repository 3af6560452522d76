// Which leaves a backward would give gradients to, for those who put back what it changes.
#include <stdlib.h>

#include "host/bind/bind.h"
#include "host/core/node.h"

// Nodes that were seen, marked as long as the walk goes on; and the leaves, which are held.
typedef struct {
   ScNode **nodes;
   ScTensor **leaves;
   size_t nnodes, nleaves;
} Walk;

// An array of n pointers with room for one more; it is full where their number is a power of two. NULL: no
// memory.
static void *with_room(void *array, size_t n) {
   return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * sizeof(void *));
}

// What another backward is going through is left to that.
static bool add_node(Walk *w, ScNode *node) {
   if (!node || node->walk) return true;
   ScNode **nodes = with_room(w->nodes, w->nnodes);
   if (!nodes) return false;
   node->walk = w;
   w->nodes = nodes;
   w->nodes[w->nnodes++] = node;
   return true;
}

static bool add_leaf(Walk *w, ScTensor *leaf) {
   if (!leaf) return true;
   for (size_t i = 0; i < w->nleaves; i++)
      if (w->leaves[i] == leaf) return true;
   ScTensor **leaves = with_room(w->leaves, w->nleaves);
   if (!leaves) return false;
   w->leaves = leaves;
   w->leaves[w->nleaves++] = sc_tensor_retain(leaf);
   return true;
}

static bool walk_back(Walk *w, ScTensor *root) {
   bool done = root->node || !root->requires_grad ? add_node(w, root->node) : add_leaf(w, root);
   for (size_t i = 0; done && i < w->nnodes; i++)
      for (int e = 0; done && e < w->nodes[i]->nedges; e++) {
         const ScEdge *edge = &w->nodes[i]->edges[e];
         done = add_node(w, edge->node) && add_leaf(w, edge->leaf);
      }
   for (size_t i = 0; i < w->nnodes; i++) w->nodes[i]->walk = NULL;
   return done;
}

static int push_leaves(lua_State *L) {
   Walk *w = lua_touserdata(L, 1);
   lua_createtable(L, (int)w->nleaves, 0);
   for (size_t i = 0; i < w->nleaves; i++) {
      *sc_push_handle(L) = sc_tensor_retain(w->leaves[i]);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
   }
   return 1;
}

// scute.tape_leaves(t) -> the tensors whose gradients t:backward() adds to, each once
static int tape_leaves(lua_State *L) {
   Walk walk = {0};
   lua_pushcfunction(L, push_leaves);
   lua_pushlightuserdata(L, &walk);
   bool done = walk_back(&walk, sc_check_tensor(L, 1, "tape_leaves", "t"));
   int how = done ? lua_pcall(L, 1, 1, 0) : LUA_OK;
   for (size_t i = 0; i < walk.nleaves; i++) sc_tensor_release(walk.leaves[i]);
   free(walk.nodes);
   free(walk.leaves);
   if (!done) sc_check(L, sc_fail(SC_EMEM, "out of memory"));
   return how == LUA_OK ? 1 : lua_error(L);
}

static void open_leaves(lua_State *L) {
   lua_pushcfunction(L, tape_leaves);
   lua_setfield(L, -2, "tape_leaves");
}
SC_OPENER(open_leaves)
