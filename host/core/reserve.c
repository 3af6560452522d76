#include "host/core/reserve.h"

#include <stdlib.h>

// Where the best one hangs, or NULL.
static ScBlock **best_of(ScReserve *r, size_t bytes) {
   ScBlock **best = NULL;
   for (ScBlock **at = &r->first; *at; at = &(*at)->next) {
      size_t size = (*at)->bytes;
      if (size < bytes || size > bytes + bytes / 4) continue;
      if (!best || size < (*best)->bytes) best = at;
   }
   return best;
}

ScBlock *sc_reserve_take(ScReserve *r, size_t bytes) {
   ScBlock **best = best_of(r, bytes);
   if (!best) return NULL;
   ScBlock *block = *best;
   *best = block->next;
   return block;
}

void sc_reserve_put(ScReserve *r, ScBlock *block) {
   block->next = r->first;
   r->first = block;
}

void sc_reserve_give_back(ScReserve *r, ScPool *pool) {
   while (r->first) {
      ScBlock *block = r->first;
      r->first = block->next;
      sc_pool_give(pool, block->data, block->bytes);
      free(block);
   }
}
