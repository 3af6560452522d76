// Two operands that broadcast, element by element. A functor F says what becomes of two elements:
// F::Result f(M a, M b), in the type in which they compute.
#ifndef SCUTE_CUDA_COMBINE_CUH
#define SCUTE_CUDA_COMBINE_CUH

#include "host/ops/broadcast.h"
#include "kernels/cuda/neighbours.cuh"

// Elements at..at+N-1 of an operand, or N times its only one.
template <typename T, int N>
__device__ inline void sc_get_operand(const T *p, bool one, int64_t at, int64_t n, ScMath<T> (&to)[N]) {
   if (!one) return sc_get_some(p, at, n, to);
   ScMath<T> value = sc_widen(*p);
#pragma unroll
   for (int k = 0; k < N; k++) to[k] = value;
}

template <typename F, typename T, typename R>
__global__ void sc_combine_flat(F f, int64_t n, const T *a, bool one_a, const T *b, bool one_b, R *y) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> va[N], vb[N];
      ScMath<R> vy[N];
      sc_get_operand(a, one_a, i, n, va);
      sc_get_operand(b, one_b, i, n, vb);
#pragma unroll
      for (int k = 0; k < N; k++) vy[k] = f(va[k], vb[k]);
      sc_put_some(y, i, n, vy);
   }
}

// `index` is one of vectors: one place is worked out for each.
template <typename F, typename T, typename R>
__global__ void sc_combine_vectors(F f, ScIndex<2> index, const T *a, bool one_a, const T *b, bool one_b,
                                   R *y) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[2] = {};
      sc_offsets(index, i, at);
      ScMath<T> va[N], vb[N];
      ScMath<R> vy[N];
      sc_get_neighbours(a, one_a, at[0], va);
      sc_get_neighbours(b, one_b, at[1], vb);
#pragma unroll
      for (int k = 0; k < N; k++) vy[k] = f(va[k], vb[k]);
      sc_put_vector(y, i * N, vy);
   }
}

template <typename F, typename T, typename R>
__global__ void sc_combine_strided(F f, ScIndex<2> index, const T *a, const T *b, R *y) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[2] = {};
      sc_offsets(index, i, at);
      y[i] = sc_narrow<R>(f(sc_widen(a[at[0]]), sc_widen(b[at[1]])));
   }
}

// Where the operands 0 and 1 of a call lie while `y` is walked as it lies.
static inline ScIndex<2> sc_operand_index(const ScCall *c, const ScTensor *y) {
   int64_t strides[2][SC_MAXRANK], order[SC_MAXRANK];
   for (int i = 0; i < 2; i++) sc_broadcast_strides(c->in[i], y, strides[i]);
   sc_strides(y, order);
   return sc_index<2>(y->rank, y->shape, order, strides);
}

template <typename R, typename T, typename F> ScStatus sc_combine(ScCall *c, F f) {
   ScIndex<2> index = sc_operand_index(c, c->out[0]);
   const T *a = sc_data<T>(c->in[0]), *b = sc_data<T>(c->in[1]);
   R *y = sc_data<R>(c->out[0]);
   bool one[2];
   if (sc_index_is_flat(index))
      return sc_cuda_launch(c->device, c->op->name, sc_combine_flat<F, T, R>,
                            sc_cuda_grid(c->device, index.n / ScWide<T>::N), SC_CUDA_BLOCK, 0, f, index.n, a,
                            index.strides[0][0] == 0, b, index.strides[1][0] == 0, y);
   if (sc_index_by_vectors(index, ScWide<T>::N, one))
      return sc_cuda_launch(c->device, c->op->name, sc_combine_vectors<F, T, R>,
                            sc_cuda_grid(c->device, index.n), SC_CUDA_BLOCK, 0, f, index, a, one[0], b, one[1],
                            y);
   return sc_cuda_launch(c->device, c->op->name, sc_combine_strided<F, T, R>, sc_cuda_grid(c->device, index.n),
                         SC_CUDA_BLOCK, 0, f, index, a, b, y);
}

#endif
