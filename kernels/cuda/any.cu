// any and all.
#include "host/ops/reduction.h"
#include "kernels/cuda/total.cuh"

namespace {

// Whether an element is as wanted: true for any, false for all, which is what there must not be.
template <typename T> struct Find {
   typedef int Sum;
   ScAxis axis;
   bool wanted;
   const T *x;
   uint8_t *y;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a | b; }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum is(ScMath<T> v) const { return (v != 0) == wanted; }
   __device__ Sum take(int64_t start, int64_t r) const { return is(sc_widen(x[start + r * axis.inner])); }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r, v);
      Sum found = 0;
#pragma unroll
      for (int k = 0; k < N; k++) found |= is(v[k]);
      return found;
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = is(v[k]);
   }
   __device__ void put(int64_t k, Sum found) const {
      y[k] = (found != 0) == wanted;
   }
};

ScStatus find(ScCall *c, bool wanted) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Find<T> f = {a, wanted, sc_data<T>(c->in[0]), sc_data<uint8_t>(c->out[0])};
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
