// Blocks of memory that belong to a graph (host/core/graph.h) and lie ready for what it records.
#ifndef SCUTE_RESERVE_H
#define SCUTE_RESERVE_H

#include <stdbool.h>

#include "host/core/pool.h"

typedef struct {
   void *data;
   size_t bytes;
} ScBlock;

typedef struct {
   int n, capacity;
   ScBlock *blocks;
} ScReserve;

// The smallest that is large enough, and not much too large; `bytes` becomes its size.
bool sc_reserve_take(ScReserve *, size_t *bytes, void **out);
bool sc_reserve_put(ScReserve *, void *data, size_t bytes); // false: the host is out of memory
void sc_reserve_give_back(ScReserve *, ScPool *);           // all of them

#endif
