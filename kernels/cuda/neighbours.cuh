// Operands that are read by vectors of neighbours, or stand still where others go on.
#ifndef SCUTE_CUDA_NEIGHBOURS_CUH
#define SCUTE_CUDA_NEIGHBOURS_CUH

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/index.cuh"

// N elements from `at` on, or N times the one there.
template <typename T, int N>
__device__ inline void sc_get_neighbours(const T *p, bool one, int64_t at, ScMath<T> (&to)[N]) {
   if (!one) return sc_get_vector(p, at, to);
   ScMath<T> value = sc_widen(p[at]);
#pragma unroll
   for (int k = 0; k < N; k++) to[k] = value;
}

// Whether vectors of N indices of `inner`, its last dimension the fastest, are vectors of each operand that
// does not stand still in it, wherever `outer` is.
template <int K> bool sc_index_takes(const ScIndex<K> &inner, const ScIndex<K> &outer, int64_t n) {
   int last = inner.rank - 1;
   if (last < 0 || inner.shape[last] % n != 0) return false;
   for (int k = 0; k < K; k++) {
      if (inner.strides[k][last] == 0) continue;
      if (inner.strides[k][last] != 1) return false;
      for (int d = 0; d < last; d++)
         if (inner.strides[k][d] % n != 0) return false;
      for (int d = 0; d < outer.rank; d++)
         if (outer.strides[k][d] % n != 0) return false;
   }
   return true;
}

template <int K> void sc_index_ones(const ScIndex<K> &inner, bool (&one)[K]) {
   for (int k = 0; k < K; k++) one[k] = inner.strides[k][inner.rank - 1] == 0;
}

// The same of a whole index, whose vectors are counted from then on: n and the last dimension, and with it what
// each operand moves on by, are those of vectors.
template <int K> bool sc_index_by_vectors(ScIndex<K> &index, int64_t n, bool (&one)[K]) {
   if (n == 1 || !sc_index_takes(index, ScIndex<K>{}, n)) return false;
   int last = index.rank - 1;
   sc_index_ones(index, one);
   index.n /= n, index.shape[last] /= n;
   for (int k = 0; k < K; k++) index.strides[k][last] *= n;
   return true;
}

#endif
