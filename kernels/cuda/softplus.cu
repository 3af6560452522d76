// A smooth relu.
#include "host/ops/softplus.h"

#include "kernels/cuda/unary.cuh"

namespace {

struct Softplus {
   double beta, threshold;
   template <typename M> __device__ M operator()(M x) const {
      M z = (M)beta * x;
      return z > (M)threshold ? x : ((z < 0 ? 0 : z) + log1p(exp(-fabs(z)))) / (M)beta;
   }
   template <typename M> __device__ M derivative(M x, M) const {
      M z = (M)beta * x;
      return z > (M)threshold ? 1 : 1 / (1 + exp(-z));
   }
};

Softplus softplus_of(const ScCall *c) {
   return {c->attr[SC_SOFTPLUS_BETA].f, c->attr[SC_SOFTPLUS_THRESHOLD].f};
}

} // namespace

SC_KERNEL_OF(cuda, softplus, SC_CUDA_FLOATS, sc_unary_forward(c, softplus_of(c)),
             sc_unary_backward(c, softplus_of(c)))
