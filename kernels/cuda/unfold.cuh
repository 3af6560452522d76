// Gradients of reductions: each element's comes from the element and what is known of its result.
//
// A functor F has  M operator()(M x, int64_t result): the gradient of an element x of that result.
#ifndef SCUTE_CUDA_UNFOLD_CUH
#define SCUTE_CUDA_UNFOLD_CUH

#include "host/ops/reduction.h"
#include "kernels/cuda/total.cuh"

// N elements side by side are of N results that do so, or of one.
template <typename T, int N, typename F> __global__ void sc_unfold_each(F f, ScAxis a, const T *x, T *gx) {
   int next = a.inner > 1;
   for (int64_t i = sc_thread() * N; i < a.outer * a.n * a.inner; i += sc_threads() * N) {
      int64_t result = sc_member_of(a, i).result;
      ScMath<T> v[N];
      sc_get_vector(x, i, v);
#pragma unroll
      for (int k = 0; k < N; k++) v[k] = f(v[k], result + k * next);
      sc_put_vector(gx, i, v);
   }
}

template <typename T, typename F> ScStatus sc_unfold(const ScCall *c, F f) {
   constexpr int N = ScWide<T>::N;
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   int64_t n = a.outer * a.n * a.inner;
   bool wide = (a.inner > 1 ? a.inner : a.n) % N == 0;
   return sc_cuda_launch(c->device, c->op->name, wide ? sc_unfold_each<T, N, F> : sc_unfold_each<T, 1, F>,
                         sc_cuda_grid(c->device, wide ? n / N : n), SC_CUDA_BLOCK, 0, f, a,
                         sc_data<T>(c->in[0]), sc_data<T>(c->grad_in[0]));
}

#endif
