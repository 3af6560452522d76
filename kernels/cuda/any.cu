// any and all.
#include "host/ops/reduction.h"

#include "kernels/cuda/elements.cuh"

namespace {

// Whether an element is as wanted: true for any, false for all, which is what there must not be.
template <typename T> struct Find : ScElements<T, Find<T>, int> {
   bool wanted;
   uint8_t *y;
   __device__ int zero() const { return 0; }
   __device__ int join(int a, int b) const { return a | b; }
   __device__ int sum_of(ScMath<T> v) const { return (v != 0) == wanted; }
   __device__ void put(int64_t k, int found) const { y[k] = (found != 0) == wanted; }
};

ScStatus find(ScCall *c, bool wanted) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Find<T> f = {{a, sc_data<T>(c->in[0])}, wanted, sc_data<uint8_t>(c->out[0])};
      return sc_reduce_axis<T>(c->device, c->op->name, f, a);
   });
}

ScStatus forward_any(ScCall *c) {
   return find(c, true);
}
ScStatus forward_all(ScCall *c) {
   return find(c, false);
}

} // namespace

SC_KERNEL(cuda, any, .dtypes = SC_ALL_DTYPES, .forward = forward_any, .backward = nullptr)
SC_KERNEL(cuda, all, .dtypes = SC_ALL_DTYPES, .forward = forward_all, .backward = nullptr)
