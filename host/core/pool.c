#include "host/core/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/heap.h"
#include "host/core/meter.h"

typedef struct {
   size_t bytes;
   void *data;
} Block;

struct ScPool {
   ScPoolSource source;
   pthread_mutex_t lock;
   ScMemory memory;
   size_t high_water; // of live bytes, never reset
   bool had_large;    // blocks asked for: the heap is made for the first
   ScHeap *heap;      // of large blocks; NULL: they are like the others
   Block *blocks;     // free blocks, by size
   int nblocks, capacity;
   int out;          // blocks that are in use: there is room for them, too
   const char *fill; // of host memory, for tests: the byte that all that is handed out holds; or NULL
};

enum { SMALLEST_CEILING = 64 << 20, LARGE = 64 << 10 };

static size_t limit;

void sc_memory_limit(size_t bytes) {
   limit = bytes;
}

ScStatus sc_pool_new(ScPool **out, ScPoolSource source) {
   ScPool *pool = calloc(1, sizeof *pool);
   if (!pool) return sc_fail(SC_EMEM, "out of memory");
   pool->source = source;
   pool->fill = source.keeps ? NULL : getenv("SCUTE_MEMORY_FILL");
   pthread_mutex_init(&pool->lock, NULL);
   *out = pool;
   return SC_OK;
}

static bool is_large(const ScPool *pool, size_t bytes) {
   return !pool->source.keeps && bytes >= LARGE;
}

size_t sc_pool_size(const ScPool *pool, size_t bytes) {
   if (bytes <= 64) return 64;
   size_t step = 64;
   if (is_large(pool, bytes))
      step = SC_HEAP_PAGE;
   else
      while (bytes / step > 16) step *= 2;
   return (bytes + step - 1) / step * step;
}

static int first_at_least(const ScPool *pool, size_t bytes) {
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

// Out of the list.
static Block remove_block(ScPool *pool, int index) {
   Block block = pool->blocks[index];
   memmove(&pool->blocks[index], &pool->blocks[index + 1], (size_t)(pool->nblocks - index - 1) * sizeof block);
   pool->nblocks--;
   pool->memory.cached -= block.bytes;
   return block;
}

static void insert_block(ScPool *pool, Block block) {
   int index = first_at_least(pool, block.bytes);
   memmove(&pool->blocks[index + 1], &pool->blocks[index], (size_t)(pool->nblocks - index) * sizeof block);
   pool->blocks[index] = block;
   pool->nblocks++;
   pool->memory.cached += block.bytes;
}

static void drop_largest(ScPool *pool) {
   Block block = remove_block(pool, pool->nblocks - 1);
   pool->source.release(pool->source.device, block.data, block.bytes);
}

static void drop_all(ScPool *pool) {
   while (pool->nblocks > 0) drop_largest(pool);
   if (pool->heap) sc_heap_flush(pool->heap);
}

static size_t cached(const ScPool *pool) {
   return pool->memory.cached + (pool->heap ? sc_heap_free_bytes(pool->heap) : 0);
}

static void trim(ScPool *pool, size_t extra) {
   if (pool->source.keeps) return;
   size_t wanted = pool->high_water + pool->high_water / 4;
   size_t ceiling = wanted > SMALLEST_CEILING ? wanted : SMALLEST_CEILING;
   while (pool->nblocks > 0 && pool->memory.live + cached(pool) + extra > ceiling) drop_largest(pool);
   if (pool->heap && pool->memory.live + cached(pool) + extra > ceiling) sc_heap_flush(pool->heap);
}

// A block of *bytes or of up to `most`.
static void *take_cached(ScPool *pool, size_t *bytes, size_t most) {
   int index = first_at_least(pool, *bytes);
   if (index == pool->nblocks || pool->blocks[index].bytes > most) return NULL;
   Block block = remove_block(pool, index);
   *bytes = block.bytes;
   return block.data;
}

static void count_live(ScPool *pool, size_t bytes) {
   ScMemory *memory = &pool->memory;
   memory->live += bytes;
   if (memory->live > memory->peak) memory->peak = memory->live;
   if (memory->live > pool->high_water) pool->high_water = memory->live;
}

// Where the source has no more, what the pool keeps may serve, or be all that is in the way.
static ScStatus allocate(ScPool *pool, size_t *bytes, void **out) {
   ScStatus status = pool->source.allocate(pool->source.device, *bytes, out);
   if (status != SC_EMEM || cached(pool) == 0) return status;
   *out = take_cached(pool, bytes, 2 * *bytes);
   if (*out) return SC_OK;
   if (pool->source.holds && pool->source.holds(pool->source.device)) return status;
   drop_all(pool);
   return pool->source.allocate(pool->source.device, *bytes, out);
}

// Where everything is kept, a block serves its own size only: each step then finds what the one before gave. A
// larger one would be missing where it belongs, step after step.
static size_t largest_for(const ScPool *pool, size_t bytes) {
   return pool->source.keeps ? bytes : bytes + bytes / 4;
}

// For one more block, so that those in use can all come back.
static bool has_room(ScPool *pool) {
   if (pool->nblocks + pool->out < pool->capacity) return true;
   int capacity = pool->capacity ? 2 * pool->capacity : 64;
   Block *blocks = realloc(pool->blocks, (size_t)capacity * sizeof *blocks);
   if (!blocks) return false;
   pool->blocks = blocks;
   pool->capacity = capacity;
   return true;
}

// Memory that the process does not have yet counts against what is left.
static ScStatus take_of_heap(ScPool *pool, size_t bytes, void **out) {
   size_t fresh = sc_heap_fresh(pool->heap, bytes);
   if (fresh > 0) SC_TRY(sc_memory_admit(pool->source.name, fresh));
   *out = sc_heap_take(pool->heap, bytes);
   return *out ? SC_OK : sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted", pool->source.name, bytes);
}

static ScStatus take_small(ScPool *pool, size_t *bytes, void **out) {
   if (!has_room(pool)) return sc_fail(SC_EMEM, "out of memory");
   *out = take_cached(pool, bytes, largest_for(pool, *bytes));
   if (!*out) {
      trim(pool, *bytes);
      SC_TRY(allocate(pool, bytes, out));
   }
   pool->out++;
   return SC_OK;
}

static bool has_heap(ScPool *pool) {
   if (!pool->had_large) pool->heap = sc_heap_new();
   pool->had_large = true;
   return pool->heap;
}

// Where there is no more, what the pool keeps may be all that is in the way; and there may be more elsewhere.
static ScStatus take_large(ScPool *pool, size_t *bytes, void **out) {
   if (!has_heap(pool)) return take_small(pool, bytes, out);
   size_t fresh = sc_heap_fresh(pool->heap, *bytes);
   if (fresh > 0) trim(pool, fresh);
   ScStatus status = take_of_heap(pool, *bytes, out);
   if (status == SC_EMEM && cached(pool) > 0) {
      drop_all(pool);
      status = take_of_heap(pool, *bytes, out);
   }
   return status == SC_EMEM ? take_small(pool, bytes, out) : status;
}

static ScStatus take(ScPool *pool, size_t *bytes, void **out) {
   if (limit && pool->memory.live + *bytes > limit)
      return sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted, %zu live, limit %zu", pool->source.name,
                     *bytes, pool->memory.live, limit);
   SC_TRY(is_large(pool, *bytes) ? take_large(pool, bytes, out) : take_small(pool, bytes, out));
   count_live(pool, *bytes);
   return SC_OK;
}

ScStatus sc_pool_take(ScPool *pool, size_t *bytes, void **out) {
   pthread_mutex_lock(&pool->lock);
   ScStatus status = take(pool, bytes, out);
   pthread_mutex_unlock(&pool->lock);
   if (status == SC_OK && pool->fill) memset(*out, atoi(pool->fill), *bytes);
   return status;
}

void sc_pool_give(ScPool *pool, void *data, size_t bytes) {
   pthread_mutex_lock(&pool->lock);
   pool->memory.live -= bytes;
   // Live and cached together stay below the ceiling, as before.
   if (pool->heap && sc_heap_holds(pool->heap, data)) {
      sc_heap_give(pool->heap, data, bytes);
   } else {
      pool->out--;
      insert_block(pool, (Block){bytes, data});
   }
   pthread_mutex_unlock(&pool->lock);
}

ScMemory sc_pool_memory(ScPool *pool) {
   pthread_mutex_lock(&pool->lock);
   ScMemory memory = pool->memory;
   memory.cached = cached(pool);
   pthread_mutex_unlock(&pool->lock);
   return memory;
}

void sc_pool_flush(ScPool *pool) {
   pthread_mutex_lock(&pool->lock);
   drop_all(pool);
   pthread_mutex_unlock(&pool->lock);
}
