// The activations of host/ops/batch_norm.h and their derivatives, in float or double.
#ifndef SCUTE_CUDA_ACTIVATION_CUH
#define SCUTE_CUDA_ACTIVATION_CUH

#include <math.h>

#include "host/ops/batch_norm.h"
#include "kernels/cuda/launch.cuh"

template <typename M> __device__ inline M sc_cuda_sigmoid(M x) {
   return 1 / (1 + exp(-x));
}

// A NaN stays one.
template <typename M> __device__ inline M sc_cuda_act(int act, M x) {
   switch (act) {
   case SC_ACT_RELU: return x < 0 ? 0 : x;
   case SC_ACT_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
   case SC_ACT_SILU: return x / (1 + exp(-x));
   default: return x;
   }
}

// Given the value before the activation; for relu and relu6 the value after it will do.
template <typename M> __device__ inline M sc_cuda_act_derivative(int act, M x) {
   switch (act) {
   case SC_ACT_RELU: return x > 0;
   case SC_ACT_RELU6: return x > 0 && x < 6;
   case SC_ACT_SILU: {
      M s = sc_cuda_sigmoid(x);
      return s * (1 + x * (1 - s));
   }
   default: return 1;
   }
}

#endif
