// A caching pool of memory, one per device. Freed blocks are kept for the next request of about their size,
// because a training step asks for the same sizes again and fresh pages are dear. Large blocks of host memory
// lie in a heap (host/core/heap.h), where there is one. Live and cached bytes together stay below the highest
// number of live bytes seen and a quarter. A device's memory is nobody else's, and giving it back waits for the
// device: all of it is kept until there is no more.
#ifndef SCUTE_POOL_H
#define SCUTE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "host/core/api.h"
#include "host/core/status.h"

// Where blocks come from and go back to.
typedef struct {
   struct ScDevice *device;
   const char *name; // for messages
   bool keeps;       // all of it until memory is out
   ScStatus (*allocate)(struct ScDevice *, size_t bytes, void **out);
   void (*release)(struct ScDevice *, void *, size_t bytes);
   // Whether nothing may be given back now: it waits for the device, which would end a recording. NULL: never.
   bool (*holds)(const struct ScDevice *);
} ScPoolSource;

typedef struct {
   size_t live, cached, peak; // bytes; peak of live since the start
} ScMemory;

typedef struct ScPool ScPool;

// All of these are thread-safe.
ScStatus sc_pool_new(ScPool **out, ScPoolSource);
// What a request of so many bytes takes: whole pages of a heap; else sizes are rounded so that nearly equal
// requests share blocks, and at most an eighth is lost.
size_t sc_pool_size(const ScPool *, size_t bytes);
// A block of *bytes, or of a little more, which *bytes is then. SC_EMEM where the source has none.
ScStatus sc_pool_take(ScPool *, size_t *bytes, void **out);
void sc_pool_give(ScPool *, void *data, size_t bytes);
ScMemory sc_pool_memory(ScPool *);
SC_API_BEGIN
void sc_pool_flush(ScPool *); // gives back what is cached
SC_API_END

// Live bytes of a pool at which sc_pool_take fails with SC_EMEM; 0, at the start, is no limit.
void sc_memory_limit(size_t bytes);

#endif
