// The Gaussian error linear unit.
#include "host/ops/gelu.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/unary.cuh"

namespace {

struct Gelu {
   bool approximate;
   template <typename M> __device__ M inner(M x) const {
      return (M)SC_GELU_TANH_FACTOR * (x + (M)SC_GELU_TANH_CUBIC * x * x * x);
   }
   template <typename M> __device__ M operator()(M x) const {
      return approximate ? (M)0.5 * x * (1 + tanh(inner(x))) : sc_cuda_act(SC_ACT_GELU, x);
   }
   template <typename M> __device__ M derivative(M x, M) const {
      if (!approximate) return sc_cuda_act_derivative(SC_ACT_GELU, x);
      x = x < -10 ? -10 : x > 10 ? 10 : x; // beyond it is 0 or 1, and x^2 may be infinite
      M t = tanh(inner(x)), slope = (M)SC_GELU_TANH_FACTOR * (1 + 3 * (M)SC_GELU_TANH_CUBIC * x * x);
      return (M)0.5 * (1 + t) + (M)0.5 * x * (1 - t * t) * slope;
   }
};

Gelu gelu_of(const ScCall *c) {
   return {c->attr[SC_GELU_APPROXIMATE].i != 0};
}

} // namespace

SC_KERNEL_OF(cuda, gelu, SC_CUDA_FLOATS, sc_unary_forward(c, gelu_of(c)), sc_unary_backward(c, gelu_of(c)))
