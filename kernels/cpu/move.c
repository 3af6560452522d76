#include "kernels/cpu/move.h"

#include <string.h>

#include "kernels/cpu/loop.h"

enum { SHORT_RUN = 16 };

#define MOVE(type)                                                                                             \
   static void move_##type(type *to, int64_t to_step, const type *from, int64_t from_step, int64_t n) {        \
      for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];                                   \
   }
MOVE(uint8_t)
MOVE(uint16_t)
MOVE(uint32_t)
MOVE(uint64_t)

static void move_run(size_t size, char *to, int64_t to_step, const char *from, int64_t from_step, int64_t n) {
   if (to_step == 1 && from_step == 1)
      memcpy(to, from, (size_t)n * size);
   else if (size == 1)
      move_uint8_t((uint8_t *)to, to_step, (const uint8_t *)from, from_step, n);
   else if (size == 2)
      move_uint16_t((uint16_t *)to, to_step, (const uint16_t *)from, from_step, n);
   else if (size == 4)
      move_uint32_t((uint32_t *)to, to_step, (const uint32_t *)from, from_step, n);
   else
      move_uint64_t((uint64_t *)to, to_step, (const uint64_t *)from, from_step, n);
}

static int64_t inner_size(const ScLoop *loop) {
   return loop->size[loop->rank - 1];
}

// Walks through the target as it lies, or, where its inner run is short (channels of photos, say) and that of
// the source is longer, through the source. Returns whether it is the source.
static bool choose_walk(ScLoop *loop, int rank, const int64_t *shape, const int64_t *to, const int64_t *from) {
   int64_t strides[2][SC_MAXRANK];
   ScLoop other;
   memcpy(strides[0], to, sizeof strides[0]);
   memcpy(strides[1], from, sizeof strides[1]);
   sc_loop_init(loop, rank, shape, 2, strides);
   if (inner_size(loop) >= SHORT_RUN) return false;
   memcpy(strides[0], from, sizeof strides[0]);
   memcpy(strides[1], to, sizeof strides[1]);
   sc_loop_init(&other, rank, shape, 2, strides);
   if (inner_size(&other) <= inner_size(loop)) return false;
   *loop = other;
   return true;
}

void sc_move(size_t size, int rank, const int64_t *shape, void *to, const int64_t *to_strides, const void *from,
             const int64_t *from_strides) {
   ScLoop loop;
   int source = choose_walk(&loop, rank, shape, to_strides, from_strides) ? 0 : 1, target = 1 - source;
   int64_t to_step = sc_loop_step(&loop, target), from_step = sc_loop_step(&loop, source);
#pragma omp parallel for if (sc_loop_is_large(&loop))
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX], n = sc_loop_task(&loop, task, at);
      move_run(size, (char *)to + at[target] * (int64_t)size, to_step,
               (const char *)from + at[source] * (int64_t)size, from_step, n);
   }
}
