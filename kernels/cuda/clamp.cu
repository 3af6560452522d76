// Numbers brought between two bounds.
#include "host/ops/clamp.h"

#include "kernels/cuda/unary.cuh"

namespace {

struct Clamp {
   double min, max;
   int64_t least, most; // of whole numbers
   template <typename M> __device__ M operator()(M x) const {
      M low = (M)min, high = (M)max;
      return x < low ? low : x > high ? high : x;
   }
   __device__ int64_t operator()(int64_t x) const { return x < least ? least : x > most ? most : x; }
   template <typename M> __device__ M derivative(M x, M) const { return SC_CLAMP_PASSES(x, (M)min, (M)max); }
};

Clamp clamp_of(const ScCall *c) {
   double min = sc_clamp_bound(c, SC_CLAMP_MIN), max = sc_clamp_bound(c, SC_CLAMP_MAX);
   return {min, max, sc_clamp_whole_min(min), sc_clamp_whole_max(max)};
}

} // namespace

SC_KERNEL_OF(cuda, clamp, SC_ALL_DTYPES, sc_unary_forward_any(c, clamp_of(c)),
             sc_unary_backward(c, clamp_of(c)))
