// One caching pool of buffers per device. Freed blocks are kept for the next request of about their size,
// because a training step asks for the same sizes again and fresh pages are dear. Live and cached bytes
// together stay below the highest number of live bytes seen and a quarter: with less, blocks of the sizes of a
// step's first half make room for those of its second and back again (counted on ResNet-50: 11,000 page faults
// a training step, none with it).
#include "host/core/device.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/core/pool.h"

typedef struct {
   size_t bytes;
   void *data;
} Block;

struct ScPool {
   pthread_mutex_t lock;
   ScMemory memory;
   size_t high_water; // of live bytes, never reset
   Block *blocks;     // free blocks, by size
   int nblocks, capacity;
};

enum { SMALLEST_CEILING = 64 << 20 };

static size_t limit;

void sc_memory_limit(size_t bytes) {
   limit = bytes;
}

uint64_t sc_next_stamp(void) {
   static _Atomic uint64_t last;
   return atomic_fetch_add(&last, 1) + 1;
}

struct ScPool *sc_pool_new(void) {
   struct ScPool *pool = calloc(1, sizeof *pool);
   if (pool) pthread_mutex_init(&pool->lock, NULL);
   return pool;
}

// Sizes are rounded so that nearly equal requests share blocks; at most an eighth is lost.
static size_t rounded(size_t bytes) {
   if (bytes <= 64) return 64;
   size_t step = 64;
   while (bytes / step > 16) step *= 2;
   return (bytes + step - 1) / step * step;
}

static int first_at_least(const struct ScPool *pool, size_t bytes) {
   int low = 0, high = pool->nblocks;
   while (low < high) {
      int middle = (low + high) / 2;
      if (pool->blocks[middle].bytes < bytes)
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

static void drop_block(ScDevice *device, int index) {
   struct ScPool *pool = device->pool;
   Block block = pool->blocks[index];
   memmove(&pool->blocks[index], &pool->blocks[index + 1], (size_t)(pool->nblocks - index - 1) * sizeof block);
   pool->nblocks--;
   pool->memory.cached -= block.bytes;
   device->backend->release(device, block.data, block.bytes);
}

static void trim(ScDevice *device, size_t extra) {
   struct ScPool *pool = device->pool;
   size_t wanted = pool->high_water + pool->high_water / 4;
   size_t ceiling = wanted > SMALLEST_CEILING ? wanted : SMALLEST_CEILING;
   while (pool->nblocks > 0 && pool->memory.live + pool->memory.cached + extra > ceiling)
      drop_block(device, pool->nblocks - 1);
}

static void *take_cached(struct ScPool *pool, size_t *bytes) {
   int index = first_at_least(pool, *bytes);
   if (index == pool->nblocks || pool->blocks[index].bytes > *bytes + *bytes / 4) return NULL;
   Block block = pool->blocks[index];
   memmove(&pool->blocks[index], &pool->blocks[index + 1], (size_t)(pool->nblocks - index - 1) * sizeof block);
   pool->nblocks--;
   pool->memory.cached -= block.bytes;
   *bytes = block.bytes;
   return block.data;
}

static void count_live(struct ScPool *pool, size_t bytes) {
   ScMemory *memory = &pool->memory;
   memory->live += bytes;
   if (memory->live > memory->peak) memory->peak = memory->live;
   if (memory->live > pool->high_water) pool->high_water = memory->live;
}

// What the pool keeps may be all that is in the way.
static ScStatus allocate(ScDevice *device, size_t bytes, void **out) {
   ScStatus status = device->backend->allocate(device, bytes, out);
   if (status != SC_EMEM || device->pool->nblocks == 0) return status;
   while (device->pool->nblocks > 0) drop_block(device, device->pool->nblocks - 1);
   return device->backend->allocate(device, bytes, out);
}

static ScStatus pool_take(ScDevice *device, size_t *bytes, void **out) {
   struct ScPool *pool = device->pool;
   if (limit && pool->memory.live + *bytes > limit)
      return sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted, %zu live, limit %zu", device->name,
                     *bytes, pool->memory.live, limit);
   *out = take_cached(pool, bytes);
   if (!*out) {
      trim(device, *bytes);
      SC_TRY(allocate(device, *bytes, out));
   }
   count_live(pool, *bytes);
   return SC_OK;
}

static void pool_give(ScDevice *device, void *data, size_t bytes) {
   struct ScPool *pool = device->pool;
   pool->memory.live -= bytes;
   if (pool->nblocks == pool->capacity) {
      int capacity = pool->capacity ? 2 * pool->capacity : 64;
      Block *blocks = realloc(pool->blocks, (size_t)capacity * sizeof *blocks);
      if (!blocks) {
         device->backend->release(device, data, bytes);
         return;
      }
      pool->blocks = blocks;
      pool->capacity = capacity;
   }
   int index = first_at_least(pool, bytes);
   memmove(&pool->blocks[index + 1], &pool->blocks[index], (size_t)(pool->nblocks - index) * sizeof(Block));
   pool->blocks[index] = (Block){bytes, data};
   pool->nblocks++;
   pool->memory.cached += bytes;
   trim(device, 0);
}

ScStatus sc_buffer_new(ScBuffer **out, ScDevice *device, size_t bytes) {
   ScBuffer *buffer = calloc(1, sizeof *buffer);
   if (!buffer) return sc_fail(SC_EMEM, "out of memory");
   size_t taken = device->backend->shapes_only ? 0 : rounded(bytes);
   pthread_mutex_lock(&device->pool->lock);
   ScStatus status = pool_take(device, &taken, &buffer->data);
   pthread_mutex_unlock(&device->pool->lock);
   if (status != SC_OK) {
      free(buffer);
      return status;
   }
   buffer->refs = 1;
   buffer->bytes = taken;
   buffer->stamp = sc_next_stamp();
   buffer->device = device;
   *out = buffer;
   return SC_OK;
}

ScBuffer *sc_buffer_retain(ScBuffer *buffer) {
   __atomic_fetch_add(&buffer->refs, 1, __ATOMIC_RELAXED);
   return buffer;
}

void sc_buffer_release(ScBuffer *buffer) {
   if (!buffer || __atomic_fetch_sub(&buffer->refs, 1, __ATOMIC_ACQ_REL) > 1) return;
   ScDevice *device = buffer->device;
   if (buffer->packed && device->backend->forget) device->backend->forget(buffer->stamp);
   pthread_mutex_lock(&device->pool->lock);
   pool_give(device, buffer->data, buffer->bytes);
   pthread_mutex_unlock(&device->pool->lock);
   free(buffer);
}

ScMemory sc_device_memory(ScDevice *device) {
   pthread_mutex_lock(&device->pool->lock);
   ScMemory memory = device->pool->memory;
   pthread_mutex_unlock(&device->pool->lock);
   return memory;
}

void sc_device_flush(ScDevice *device) {
   if (device->backend->flush) device->backend->flush(device);
   pthread_mutex_lock(&device->pool->lock);
   while (device->pool->nblocks > 0) drop_block(device, device->pool->nblocks - 1);
   pthread_mutex_unlock(&device->pool->lock);
}

// Host memory, shared by the backends that compute on the CPU.

// Large blocks are mapped one by one, so that releasing one really returns it, whatever lies beside it.

enum { HUGE_PAGE = 2 << 20, MAPPED = 1 << 20 };

// Aligned to a huge page: maps that much more and gives the ends back.
static void *map_aligned(size_t bytes) {
   size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : 0;
   char *start = mmap(NULL, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (start == MAP_FAILED) return NULL;
   if (!alignment) return start;
   size_t before = (alignment - (uintptr_t)start % alignment) % alignment;
   if (before > 0) munmap(start, before);
   if (alignment - before > 0) munmap(start + before + bytes, alignment - before);
   madvise(start + before, bytes, MADV_HUGEPAGE); // fewer page faults; no matter where it is refused
   return start + before;
}

ScStatus sc_host_allocate(ScDevice *device, size_t bytes, void **out) {
   *out = bytes >= MAPPED ? map_aligned(bytes) : aligned_alloc(64, bytes);
   return *out ? SC_OK : sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted", device->name, bytes);
}

void sc_host_release(ScDevice *device, void *data, size_t bytes) {
   (void)device;
   if (bytes >= MAPPED)
      munmap(data, bytes);
   else
      free(data);
}

ScStatus sc_host_transfer(ScDevice *device, void *to, const void *from, size_t bytes) {
   (void)device;
   memcpy(to, from, bytes);
   return SC_OK;
}
