// Loops of functions of each element alone. A function is a struct with y = f(x) and f.derivative(x, y), of
// float and double; where it takes whole numbers, f(int64_t) too.
#ifndef SCUTE_CUDA_UNARY_CUH
#define SCUTE_CUDA_UNARY_CUH

#include "kernels/cuda/element.cuh"

template <typename T, typename F> __global__ void unary_forward(F f, int64_t n, const T *x, T *y) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> v[N];
      sc_get_some(x, i, n, v);
#pragma unroll
      for (int k = 0; k < N; k++) v[k] = f(v[k]);
      sc_put_some(y, i, n, v);
   }
}

// x or y is NULL.
template <typename T, typename F>
__global__ void unary_backward(F f, int64_t n, const T *x, const T *y, const T *gy, T *gx) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> vx[N] = {}, vy[N] = {}, g[N];
      if (x) sc_get_some(x, i, n, vx);
      if (y) sc_get_some(y, i, n, vy);
      sc_get_some(gy, i, n, g);
#pragma unroll
      for (int k = 0; k < N; k++) g[k] *= f.derivative(vx[k], vy[k]);
      sc_put_some(gx, i, n, g);
   }
}

template <typename T, typename F> ScStatus sc_unary_launch(ScCall *c, F f) {
   int64_t n = sc_numel(c->out[0]);
   return sc_cuda_launch(c->device, c->op->name, unary_forward<T, F>, sc_cuda_grid(c->device, n / ScWide<T>::N),
                         SC_CUDA_BLOCK, 0, f, n, sc_data<T>(c->in[0]), sc_data<T>(c->out[0]));
}

template <typename F> ScStatus sc_unary_forward(ScCall *c, F f) {
   return sc_with_float(c->in[0]->dtype, [&](auto type) { return sc_unary_launch<decltype(type)>(c, f); });
}

// Of whole numbers too.
template <typename F> ScStatus sc_unary_forward_any(ScCall *c, F f) {
   return sc_with_number(c->in[0]->dtype, [&](auto type) { return sc_unary_launch<decltype(type)>(c, f); });
}

template <typename F> ScStatus sc_unary_backward(ScCall *c, F f) {
   int64_t n = sc_numel(c->grad_out[0]);
   return sc_with_float(c->grad_out[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, unary_backward<T, F>,
                            sc_cuda_grid(c->device, n / ScWide<T>::N), SC_CUDA_BLOCK, 0, f, n,
                            sc_data<T>(c->in[0]), sc_data<T>(c->out[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

#endif
