// The activations of host/ops/batch_norm.h and their derivatives, in float or double.
#ifndef SCUTE_CUDA_ACTIVATION_CUH
#define SCUTE_CUDA_ACTIVATION_CUH

#include <math.h>

#include "host/ops/batch_norm.h"
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

// A NaN stays one.
template <typename M> __device__ inline M sc_cuda_act(int act, M x) {
   switch (act) {
   case SC_ACT_RELU: return x < 0 ? 0 : x;
   case SC_ACT_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
   case SC_ACT_SILU: return sc_cuda_silu(x);
   default: return x;
   }
}

// Given the value before the activation; for relu and relu6 the value after it will do.
template <typename M> __device__ inline M sc_cuda_act_derivative(int act, M x) {
   switch (act) {
   case SC_ACT_RELU: return x > 0;
   case SC_ACT_RELU6: return x > 0 && x < 6;
   case SC_ACT_SILU: return sc_cuda_silu_derivative(x);
   default: return 1;
   }
}

#endif
