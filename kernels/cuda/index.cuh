// Operands that are read in an order not their own: broadcasting, permutation, changes of rank.
#ifndef SCUTE_CUDA_INDEX_CUH
#define SCUTE_CUDA_INDEX_CUH

#include <stdint.h>

#include "host/core/tensor.h"
#include "kernels/cuda/launch.cuh"

// A range of indices, the last dimension the fastest, and where N operands lie at each. Dimensions that all of
// them step through alike are one.
template <int N> struct ScIndex {
   int rank;
   int64_t n; // how many indices
   int64_t shape[SC_MAXRANK], strides[N][SC_MAXRANK];
};

// Of `shape` walked in the order of falling `order` (strides of whatever is to be walked through as it lies).
// A dimension d with skip[d] is left out; skip may be NULL.
template <int N>
ScIndex<N> sc_index(int rank, const int64_t *shape, const int64_t *order, const int64_t (*strides)[SC_MAXRANK],
                    const bool *skip = nullptr) {
   int sorted[SC_MAXRANK], n = 0;
   for (int d = 0; d < rank; d++) {
      if (shape[d] == 1 || (skip && skip[d])) continue;
      int at = n++;
      for (; at > 0 && order[sorted[at - 1]] < order[d]; at--) sorted[at] = sorted[at - 1];
      sorted[at] = d;
   }
   ScIndex<N> index = {};
   index.n = 1;
   for (int i = 0; i < n; i++) {
      int d = sorted[i], last = index.rank - 1;
      bool merges = last >= 0;
      for (int k = 0; merges && k < N; k++) merges = index.strides[k][last] == strides[k][d] * shape[d];
      if (!merges) index.shape[++last] = 1, index.rank++;
      index.shape[last] *= shape[d];
      index.n *= shape[d];
      for (int k = 0; k < N; k++) index.strides[k][last] = strides[k][d];
   }
   return index;
}

// True where operand k lies as it is walked, or is one element for all.
template <int N> bool sc_index_is_flat(const ScIndex<N> &index) {
   if (index.rank == 0) return true;
   bool flat = index.rank == 1;
   for (int k = 0; k < N; k++) flat = flat && (index.strides[k][0] == 0 || index.strides[k][0] == 1);
   return flat;
}

template <int N, typename I>
__device__ inline void sc_offsets_as(const ScIndex<N> &index, I at, int64_t (&offset)[N]) {
   for (int d = index.rank - 1; d >= 0; d--) {
      I rest = d > 0 ? at / (I)index.shape[d] : 0, step = at - rest * (I)index.shape[d];
#pragma unroll
      for (int k = 0; k < N; k++) offset[k] += (int64_t)step * index.strides[k][d];
      at = rest;
   }
}

// Adds to `offset` what index number `at` is worth; 32-bit division is many times faster.
template <int N> __device__ inline void sc_offsets(const ScIndex<N> &index, int64_t at, int64_t (&offset)[N]) {
   if (index.n <= INT32_MAX)
      sc_offsets_as(index, (uint32_t)at, offset);
   else
      sc_offsets_as(index, at, offset);
}

#endif
