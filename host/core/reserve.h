// Blocks of memory that belong to a graph (host/core/graph.h) and lie ready for what it records.
#ifndef SCUTE_RESERVE_H
#define SCUTE_RESERVE_H

#include "host/core/pool.h"

// Allocated by whoever puts it there, since by then the host may have no memory left.
typedef struct ScBlock {
   struct ScBlock *next;
   void *data;
   size_t bytes;
} ScBlock;

typedef struct {
   ScBlock *first;
} ScReserve;

// The smallest that is large enough, and not much too large; NULL: there is none.
ScBlock *sc_reserve_take(ScReserve *, size_t bytes);
void sc_reserve_put(ScReserve *, ScBlock *);
void sc_reserve_give_back(ScReserve *, ScPool *); // all of them; the blocks are freed

#endif
