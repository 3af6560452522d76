#include "host/core/uses.h"

#include <stdint.h>
#include <stdlib.h>

static int by_address(const void *a, const void *b) {
   uintptr_t left = (uintptr_t)((const ScUse *)a)->leaf, right = (uintptr_t)((const ScUse *)b)->leaf;
   return (left > right) - (left < right);
}

static size_t count_edges(size_t n, ScNode *const *nodes) {
   size_t edges = 0;
   for (size_t i = 0; i < n; i++)
      for (int e = 0; e < nodes[i]->nedges; e++) edges += nodes[i]->edges[e].leaf != NULL;
   return edges;
}

static void list_edges(ScUse *uses, size_t n, ScNode *const *nodes) {
   for (size_t i = 0; i < n; i++)
      for (int e = 0; e < nodes[i]->nedges; e++)
         if (nodes[i]->edges[e].leaf) *uses++ = (ScUse){nodes[i]->edges[e].leaf, 1};
}

ScStatus sc_uses_count(ScUses *out, size_t n, ScNode *const *nodes) {
   size_t edges = count_edges(n, nodes), leaves = 0;
   ScUse *uses = calloc(edges + 1, sizeof *uses);
   if (!uses) return sc_fail(SC_EMEM, "out of memory");
   list_edges(uses, n, nodes);
   qsort(uses, edges, sizeof *uses, by_address);
   for (size_t i = 0; i < edges; i++) {
      if (leaves > 0 && uses[leaves - 1].leaf == uses[i].leaf)
         uses[leaves - 1].left++;
      else
         uses[leaves++] = uses[i];
   }
   *out = (ScUses){leaves, uses};
   return SC_OK;
}

bool sc_uses_pass(ScUses *all, const struct ScTensor *leaf) {
   if (all->n == 0) return false;
   ScUse wanted = {.leaf = (struct ScTensor *)leaf};
   ScUse *use = bsearch(&wanted, all->uses, all->n, sizeof wanted, by_address);
   return use && --use->left == 0;
}

void sc_uses_free(ScUses *all) {
   free(all->uses);
   *all = (ScUses){0};
}
