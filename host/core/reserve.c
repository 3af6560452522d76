#include "host/core/reserve.h"

#include <stdlib.h>

static int best_of(const ScReserve *r, size_t bytes) {
   int best = -1;
   for (int i = 0; i < r->n; i++) {
      size_t size = r->blocks[i].bytes;
      if (size < bytes || size > bytes + bytes / 4) continue;
      if (best < 0 || size < r->blocks[best].bytes) best = i;
   }
   return best;
}

bool sc_reserve_take(ScReserve *r, size_t *bytes, void **out) {
   int best = best_of(r, *bytes);
   if (best < 0) return false;
   *out = r->blocks[best].data;
   *bytes = r->blocks[best].bytes;
   r->blocks[best] = r->blocks[--r->n];
   return true;
}

bool sc_reserve_put(ScReserve *r, void *data, size_t bytes) {
   if (r->n == r->capacity) {
      int capacity = r->capacity ? 2 * r->capacity : 256;
      ScBlock *blocks = realloc(r->blocks, (size_t)capacity * sizeof *blocks);
      if (!blocks) return false;
      r->blocks = blocks;
      r->capacity = capacity;
   }
   r->blocks[r->n++] = (ScBlock){data, bytes};
   return true;
}

void sc_reserve_give_back(ScReserve *r, ScPool *pool) {
   for (int i = 0; i < r->n; i++) sc_pool_give(pool, r->blocks[i].data, r->blocks[i].bytes);
   free(r->blocks);
   *r = (ScReserve){0};
}
