// The largest element and the sum of exp(x - largest), found together (Milakov and Gimelshein 2018,
// https://arxiv.org/abs/1805.02867).
#include "host/ops/logsumexp.h"

#include <math.h>

#include "kernels/cuda/unfold.cuh"

namespace {

template <typename M> struct Mass {
   M top, total; // total 0: of nothing, or of exp(-inf)
};

template <typename T> struct Masses {
   typedef ScMath<T> M;
   typedef Mass<M> Sum;
   ScAxis axis;
   const T *x;
   T *y;
   M *shift, *total; // or NULL
   __device__ Sum zero() const { return {0, 0}; }
   __device__ static M scaled(Sum s, M top) { return s.top == top ? s.total : s.total * exp(s.top - top); }
   __device__ Sum join(Sum a, Sum b) const {
      if (!(a.total < (M)INFINITY && b.total < (M)INFINITY)) return {0, a.total + b.total}; // or NaN
      if (a.total == 0 || b.total == 0) return a.total == 0 ? b : a;
      M top = a.top > b.top ? a.top : b.top;
      return {top, scaled(a, top) + scaled(b, top)};
   }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ static Sum one(M v) {
      if (fabs(v) < (M)INFINITY) return {v, 1};
      return {0, v < 0 ? 0 : v}; // NaN stays
   }
   __device__ Sum take(int64_t start, int64_t r) const { return one(sc_widen(x[start + r * axis.inner])); }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      M v[N], top, total = 0;
      sc_get_vector(x, start + r, v);
      top = v[0];
#pragma unroll
      for (int k = 1; k < N; k++) top = v[k] > top ? v[k] : top;
      if (!(fabs(top) < (M)INFINITY)) top = 0;
#pragma unroll
      for (int k = 0; k < N; k++) total += v[k] == top ? 1 : exp(v[k] - top);
      return {top, total};
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      M v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = one(v[k]);
   }
   __device__ void put(int64_t k, Sum sum) const {
      y[k] = sc_narrow<T>(sum.top + log(sum.total));
      if (shift) shift[k] = sum.total == (M)INFINITY ? sum.total : sum.top, total[k] = sum.total;
   }
};

template <typename T> struct Gradient {
   const ScMath<T> *shift, *total;
   const T *gy;
   __device__ ScMath<T> operator()(ScMath<T> x, int64_t at) const {
      return exp(x - shift[at]) * (sc_widen(gy[at]) / total[at]);
   }
};

ScStatus forward(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      Masses<T> f = {a, sc_data<T>(c->in[0]), sc_data<T>(c->out[0]), sc_data<M>(c->saved[SC_LOGSUMEXP_SHIFT]),
                     sc_data<M>(c->saved[SC_LOGSUMEXP_TOTAL])};
      return sc_reduce_axis<T>(c->device, c->op->name, f, a);
   });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      return sc_unfold<T>(c, Gradient<T>{sc_data<M>(c->saved[SC_LOGSUMEXP_SHIFT]),
                                         sc_data<M>(c->saved[SC_LOGSUMEXP_TOTAL]), sc_data<T>(c->grad_out[0])});
   });
}

} // namespace

SC_KERNEL(cuda, logsumexp, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
