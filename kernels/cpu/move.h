// Moving elements of any dtype between two orders.
#ifndef SCUTE_CPU_MOVE_H
#define SCUTE_CPU_MOVE_H

#include "host/core/tensor.h"

// Element i (a logical index of `shape`) goes from from[i . from_strides] to to[i . to_strides]; size in bytes.
void sc_move(size_t size, int rank, const int64_t *shape, void *to, const int64_t *to_strides, const void *from,
             const int64_t *from_strides);

#endif
