// Buffers that nobody holds any more, whose memory belongs to a graph (host/core/graph.h) and lies ready for
// what it records. Keeping one takes no memory of the host's, which may be out: it would be lost, or another's.
#ifndef SCUTE_RESERVE_H
#define SCUTE_RESERVE_H

#include "host/core/buffer.h"

typedef struct {
   ScBuffer *first;
} ScReserve;

// The smallest that is large enough, and not much too large; NULL: there is none.
ScBuffer *sc_reserve_take(ScReserve *, size_t bytes);
void sc_reserve_put(ScReserve *, ScBuffer *);
void sc_reserve_give_back(ScReserve *, ScPool *); // all of them

#endif
