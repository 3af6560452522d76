#include "host/core/reserve.h"

#include <stdlib.h>

// Where the best one hangs, or NULL.
static ScBuffer **best_of(ScReserve *r, size_t bytes) {
   ScBuffer **best = NULL;
   for (ScBuffer **at = &r->first; *at; at = &(*at)->next) {
      size_t size = (*at)->bytes;
      if (size < bytes || size > bytes + bytes / 4) continue;
      if (!best || size < (*best)->bytes) best = at;
   }
   return best;
}

ScBuffer *sc_reserve_take(ScReserve *r, size_t bytes) {
   ScBuffer **best = best_of(r, bytes);
   if (!best) return NULL;
   ScBuffer *buffer = *best;
   *best = buffer->next;
   return buffer;
}

void sc_reserve_put(ScReserve *r, ScBuffer *buffer) {
   buffer->next = r->first;
   r->first = buffer;
}

void sc_reserve_give_back(ScReserve *r, ScPool *pool) {
   while (r->first) {
      ScBuffer *buffer = r->first;
      r->first = buffer->next;
      sc_pool_give(pool, buffer->data, buffer->bytes);
      free(buffer);
   }
}
