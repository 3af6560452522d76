// Element-wise loops over tensors of different shapes and memory orders: dimensions in the memory order of the
// first tensor, merged where all agree, and cut into tasks of one inner run each, for threads to share.
#ifndef SCUTE_CPU_LOOP_H
#define SCUTE_CPU_LOOP_H

#include "host/core/tensor.h"

enum { SC_LOOP_MAX = 4, SC_LOOP_BLOCK = 8192 };

typedef struct {
   int rank, n;                             // at least one dimension; n tensors
   int64_t size[SC_MAXRANK];                // the last one is the inner run
   int64_t stride[SC_LOOP_MAX][SC_MAXRANK]; // of each tensor, in elements
   int64_t tasks, blocks;                   // blocks: tasks that one inner run is cut into
} ScLoop;

// `strides` of n tensors for the logical dimensions `shape`; those of the first one say what the memory order
// is.
void sc_loop_init(ScLoop *, int rank, const int64_t *shape, int n, const int64_t strides[][SC_MAXRANK]);

// Where task number `task` begins in each tensor; returns how many elements it has.
int64_t sc_loop_task(const ScLoop *, int64_t task, int64_t offset[SC_LOOP_MAX]);

// The step of tensor `i` within a task.
static inline int64_t sc_loop_step(const ScLoop *loop, int i) {
   return loop->stride[i][loop->rank - 1];
}

// Whether the work is worth more than one thread.
static inline bool sc_loop_is_large(const ScLoop *loop) {
   int64_t n = 1;
   for (int d = 0; d < loop->rank; d++) n *= loop->size[d];
   return n > 32768;
}

#endif
