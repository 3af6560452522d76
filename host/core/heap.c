#include "host/core/heap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { HUGE_PAGE = 2 << 20 };

// Addresses [at, at + bytes) that no block takes. `used`: how many of the bytes, the first ones, the process
// may have in memory; it has none of the others.
typedef struct {
   size_t at, bytes, used;
} Gap;

struct ScHeap {
   char *base;
   size_t reserved, writable; // bytes from base
   size_t end;                // of the last block
   size_t free_bytes;         // used bytes of all gaps
   Gap *gaps;                 // by address, none beside another
   size_t n, capacity, blocks;
};

static bool addresses_are_limited(void) {
   struct rlimit most;
   return getrlimit(RLIMIT_AS, &most) == 0 && most.rlim_cur != RLIM_INFINITY;
}

// Addresses alone cost nothing. Where they are limited (ulimit -v), what the heap takes is missing elsewhere.
ScHeap *sc_heap_new(void) {
   ScHeap *heap = addresses_are_limited() ? NULL : calloc(1, sizeof *heap);
   if (!heap) return NULL;
   for (size_t bytes = (size_t)1 << 40; bytes >= (size_t)1 << 32; bytes /= 2) {
      char *start = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (start == MAP_FAILED) continue;
      heap->base = start + (HUGE_PAGE - (uintptr_t)start % HUGE_PAGE) % HUGE_PAGE;
      heap->reserved = bytes - HUGE_PAGE;
      return heap;
   }
   free(heap);
   return NULL;
}

// ---- gaps ----

// The smallest gap that is large enough; n if none is.
static size_t best_gap(const ScHeap *a, size_t bytes) {
   size_t best = a->n;
   for (size_t i = 0; i < a->n; i++)
      if (a->gaps[i].bytes >= bytes && (best == a->n || a->gaps[i].bytes < a->gaps[best].bytes)) best = i;
   return best;
}

static size_t first_behind(const ScHeap *a, size_t at) {
   size_t low = 0, high = a->n;
   while (low < high) {
      size_t middle = (low + high) / 2;
      if (a->gaps[middle].at < at)
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

static void remove_gap(ScHeap *a, size_t i) {
   memmove(&a->gaps[i], &a->gaps[i + 1], (a->n - i - 1) * sizeof *a->gaps);
   a->n--;
}

static void insert_gap(ScHeap *a, size_t i, Gap gap) {
   memmove(&a->gaps[i + 1], &a->gaps[i], (a->n - i) * sizeof *a->gaps);
   a->gaps[i] = gap;
   a->n++;
}

static size_t least(size_t a, size_t b) {
   return a < b ? a : b;
}

// ---- taking ----

// Every block may have a gap before it and behind it.
static bool has_room(ScHeap *a) {
   if (a->blocks + 2 < a->capacity) return true;
   size_t capacity = a->capacity ? 2 * a->capacity : 256;
   Gap *gaps = realloc(a->gaps, capacity * sizeof *gaps);
   if (!gaps) return false;
   a->gaps = gaps;
   a->capacity = capacity;
   return true;
}

// What would have to grow at the end begins with the gap there.
static bool ends_with_gap(const ScHeap *a) {
   return a->n > 0 && a->gaps[a->n - 1].at + a->gaps[a->n - 1].bytes == a->end;
}

size_t sc_heap_fresh(const ScHeap *a, size_t bytes) {
   size_t i = best_gap(a, bytes);
   if (i == a->n && ends_with_gap(a)) i--;
   return i == a->n ? bytes : bytes - least(bytes, a->gaps[i].used);
}

// Of the front of a gap.
static size_t take_of_gap(ScHeap *a, size_t i, size_t bytes) {
   Gap *gap = &a->gaps[i];
   size_t at = gap->at, used = least(gap->used, bytes);
   a->free_bytes -= used;
   *gap = (Gap){at + bytes, gap->bytes - bytes, gap->used - used};
   if (gap->bytes == 0) remove_gap(a, i);
   return at;
}

static bool make_writable(ScHeap *a, size_t end) {
   if (end <= a->writable) return true;
   size_t rounded = (end + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
   if (rounded > a->reserved) return false;
   char *from = a->base + a->writable;
   size_t bytes = rounded - a->writable;
   if (mprotect(from, bytes, PROT_READ | PROT_WRITE) != 0) return false;
   madvise(from, bytes, MADV_HUGEPAGE); // fewer page faults; no matter where it is refused
   a->writable = rounded;
   return true;
}

// Behind the last block, so that a gap of that size ends there.
static bool grow(ScHeap *a, size_t bytes) {
   bool extends = ends_with_gap(a);
   size_t at = extends ? a->gaps[a->n - 1].at : a->end;
   if (!make_writable(a, at + bytes)) return false;
   if (!extends) a->gaps[a->n++] = (Gap){.at = at};
   a->gaps[a->n - 1].bytes = bytes;
   a->end = at + bytes;
   return true;
}

void *sc_heap_take(ScHeap *a, size_t bytes) {
   if (bytes > a->reserved || !has_room(a)) return NULL;
   size_t i = best_gap(a, bytes);
   if (i == a->n && !grow(a, bytes)) return NULL;
   a->blocks++;
   return a->base + take_of_gap(a, i < a->n ? i : a->n - 1, bytes);
}

// ---- giving back ----

// All of them: where pages are huge, those that were not written to may be there, too.
static void drop_pages(ScHeap *a, Gap *gap) {
   madvise(a->base + gap->at, gap->bytes, MADV_DONTNEED);
   a->free_bytes -= gap->used;
   gap->used = 0;
}

void sc_heap_give(ScHeap *a, void *data, size_t bytes) {
   Gap gap = {(size_t)((char *)data - a->base), bytes, bytes};
   size_t i = first_behind(a, gap.at);
   a->blocks--;
   a->free_bytes += bytes;
   if (i < a->n && gap.at + gap.bytes == a->gaps[i].at) {
      gap.bytes += a->gaps[i].bytes, gap.used += a->gaps[i].used;
      remove_gap(a, i);
   }
   if (i > 0 && a->gaps[i - 1].at + a->gaps[i - 1].bytes == gap.at) {
      Gap *before = &a->gaps[i - 1];
      if (before->used < before->bytes) drop_pages(a, &gap); // they would not be the first ones
      before->bytes += gap.bytes, before->used += gap.used;
   } else
      insert_gap(a, i, gap);
}

bool sc_heap_holds(const ScHeap *a, const void *data) {
   return (const char *)data >= a->base && (const char *)data < a->base + a->reserved;
}

size_t sc_heap_free_bytes(const ScHeap *a) {
   return a->free_bytes;
}

void sc_heap_flush(ScHeap *a) {
   for (size_t i = 0; i < a->n; i++) drop_pages(a, &a->gaps[i]);
   if (ends_with_gap(a)) a->end = a->gaps[--a->n].at;
}
