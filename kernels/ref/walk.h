// Loops over the elements of a tensor by logical index, with any number of strided companions.
#ifndef SCUTE_REF_WALK_H
#define SCUTE_REF_WALK_H

#include "host/core/tensor.h"

enum { SC_WALK_MAX = 4 };

// Offsets into up to SC_WALK_MAX tensors, moved together through the logical indices of a shape.
typedef struct {
   int rank, n;
   const int64_t *shape;
   int64_t index[SC_MAXRANK];
   const int64_t *strides[SC_WALK_MAX];
   int64_t offset[SC_WALK_MAX];
} ScWalk;

// Steps to the next logical index (row-major); false after the last.
static inline bool sc_walk_next(ScWalk *w) {
   for (int d = w->rank - 1; d >= 0; d--) {
      bool carry = ++w->index[d] == w->shape[d];
      for (int i = 0; i < w->n; i++)
         w->offset[i] += carry ? -(w->shape[d] - 1) * w->strides[i][d] : w->strides[i][d];
      if (!carry) return true;
      w->index[d] = 0;
   }
   return false;
}

// Elements by their place in memory.
static inline double sc_get(const ScTensor *t, int64_t at) {
   return sc_load(t->dtype, t->buffer->data, at);
}

static inline void sc_put(const ScTensor *t, int64_t at, double value) {
   sc_store(t->dtype, t->buffer->data, at, value);
}

static inline void sc_add(const ScTensor *t, int64_t at, double value) {
   sc_put(t, at, sc_get(t, at) + value);
}

// Whole numbers of i64, all digits of them: a double has 53 bits.
static inline int64_t *sc_whole(const ScTensor *t) {
   return t->buffer->data;
}

#endif
