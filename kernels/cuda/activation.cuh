// The activations of host/ops/activation.h and their derivatives, in float or double.
#ifndef SCUTE_CUDA_ACTIVATION_CUH
#define SCUTE_CUDA_ACTIVATION_CUH

#include <math.h>

#include "host/ops/activation.h"
#include "host/ops/gelu.h"
#include "kernels/cuda/launch.cuh"

template <typename M> __device__ inline M sc_cuda_sigmoid(M x) {
   return 1 / (1 + exp(-x));
}

// ---- SiLU, in batch norm the most expensive of all: with e^x and division a few units in the last place worse
// than exact ones, at a third of their instructions. In float32, by the bounds of CUDA's documentation (2
// + 1.173 |x| units for __expf, 2 for __fdividef), a result is off by at most 2^-21 max(|y|, 1/2), a derivative
// by 2^-20; tests/cuda/ special.lua holds them to that. ----

__device__ inline float sc_cuda_fast_exp(float x) {
   return __expf(x);
}
__device__ inline double sc_cuda_fast_exp(double x) {
   return exp(x);
}
// 0 where b is beyond 2^126.
__device__ inline float sc_cuda_fast_divide(float a, float b) {
   return __fdividef(a, b);
}
__device__ inline double sc_cuda_fast_divide(double a, double b) {
   return a / b;
}

template <typename M> __device__ inline M sc_cuda_silu(M x) {
   return sc_cuda_fast_divide(x, 1 + sc_cuda_fast_exp(-x));
}

template <typename M> __device__ inline M sc_cuda_silu_derivative(M x) {
   M e = sc_cuda_fast_exp(-x), s = sc_cuda_fast_divide((M)1, 1 + e);
   M rest = x > 0 ? e * s : 1 - s; // 1 - s without cancellation: a large x is a factor of it
   return s * (1 + x * rest);
}

template <typename M> __device__ inline M sc_cuda_hardsigmoid(M x) {
   M v = x + 3;
   return (v < 0 ? 0 : v > 6 ? 6 : v) * (M)(1.0 / 6);
}

template <typename M> __device__ inline M sc_cuda_normal_share(M x) { // of normal numbers, those below x
   return (M)0.5 + (M)0.5 * erf((M)SC_GELU_SQRT_HALF * x);
}

// _(name, value at x, derivative at x). A NaN stays one.
// clang-format off
#define SC_CUDA_ACTIVATIONS(_)                                                                                 \
   _(RELU, x < 0 ? 0 : x, x > 0)                                                                               \
   _(RELU6, x < 0 ? 0 : x > 6 ? 6 : x, x > 0 && x < 6)                                                         \
   _(SILU, sc_cuda_silu(x), sc_cuda_silu_derivative(x))                                                        \
   _(HARDSWISH, x * sc_cuda_hardsigmoid(x), x <= -3 ? 0 : x < 3 ? x * (M)(1.0 / 3) + (M)0.5 : 1)               \
   _(HARDSIGMOID, sc_cuda_hardsigmoid(x), x > -3 && x < 3 ? (M)(1.0 / 6) : 0)                                  \
   _(SIGMOID, sc_cuda_sigmoid(x), sc_cuda_sigmoid(x) * (1 - sc_cuda_sigmoid(x)))                               \
   _(GELU, x * sc_cuda_normal_share(x), sc_cuda_normal_share(x) + x * (M)SC_GELU_DENSITY * exp((M)-0.5 * x * x))
// clang-format on

template <typename M> __device__ inline M sc_cuda_act(int act, M x) {
#define SC_ACT_CASE(name, value, derivative)                                                                   \
   case SC_ACT_##name: return value;
   switch (act) {
      SC_CUDA_ACTIVATIONS(SC_ACT_CASE)
   default: return x;
   }
#undef SC_ACT_CASE
}

// Given the value before the activation, or the one after it where sc_act_by_result.
template <typename M> __device__ inline M sc_cuda_act_derivative(int act, M x) {
#define SC_ACT_CASE(name, value, derivative)                                                                   \
   case SC_ACT_##name: return derivative;
   switch (act) {
      SC_CUDA_ACTIVATIONS(SC_ACT_CASE)
   default: return 1;
   }
#undef SC_ACT_CASE
}

// ---- of several values: one choice for all of them ----

template <typename M, int N> __device__ inline void sc_cuda_act(int act, M (&v)[N]) {
#define SC_ACT_CASE(name, op, by_result)                                                                       \
   case SC_ACT_##name:                                                                                         \
      _Pragma("unroll") for (int k = 0; k < N; k++) v[k] = sc_cuda_act(SC_ACT_##name, v[k]);                   \
      break;
   switch (act) {
      SC_ACTIVATIONS(SC_ACT_CASE)
   default: break;
   }
#undef SC_ACT_CASE
}

// g *= derivative at x
template <typename M, int N> __device__ inline void sc_cuda_act_gradient(int act, const M (&x)[N], M (&g)[N]) {
#define SC_ACT_CASE(name, op, by_result)                                                                       \
   case SC_ACT_##name:                                                                                         \
      _Pragma("unroll") for (int k = 0; k < N; k++) g[k] *= sc_cuda_act_derivative(SC_ACT_##name, x[k]);       \
      break;
   switch (act) {
      SC_ACTIVATIONS(SC_ACT_CASE)
   default: break;
   }
#undef SC_ACT_CASE
}

#endif
