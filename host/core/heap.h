// Large blocks of host memory, one beside the other in one range of addresses: what lies free between them
// grows together and serves blocks of any size. A training step asks for much the same again and again and
// gives it back in the opposite order, so that hardly a gap stays (counted on traces of four networks: 1 to 4 %
// over the bytes in use, once 16 %; a cache of whole blocks held 25 %), and no page is faulted in twice. Not
// thread-safe.
#ifndef SCUTE_HEAP_H
#define SCUTE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ScHeap ScHeap;

enum { SC_HEAP_PAGE = 4096 }; // sizes of blocks are multiples of it

ScHeap *sc_heap_new(void); // NULL where there are no addresses for it, or only so many
// How many bytes of a block of that size would be memory that the process does not have yet.
size_t sc_heap_fresh(const ScHeap *, size_t bytes);
// NULL where the system has no more.
void *sc_heap_take(ScHeap *, size_t bytes);
void sc_heap_give(ScHeap *, void *data, size_t bytes);
bool sc_heap_holds(const ScHeap *, const void *data);
size_t sc_heap_free_bytes(const ScHeap *); // given back to the heap, and still the process's
void sc_heap_flush(ScHeap *);              // returns them to the system

#endif
