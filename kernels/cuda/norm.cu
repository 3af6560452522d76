// Norms: sums of powers in double, which squares of float32 do not leave; extremes with how many there are.
#include "host/ops/norm.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/unfold.cuh"

namespace {

template <typename T> struct Results {
   T *y;
   ScMath<T> *saved; // or NULL
   __device__ void put(int64_t k, ScMath<T> value) const {
      y[k] = sc_narrow<T>(value);
      if (saved) saved[k] = value;
   }
};

template <typename T> struct Powers : ScElements<T, Powers<T>, double> {
   typedef double Sum;
   double p;
   Results<T> results;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ Sum sum_of(double v) const {
      v = fabs(v);
      if (p == 2) return v * v;
      if (p == 1) return v;
      return p == 0 ? v != 0 : pow(v, p);
   }
   __device__ void put(int64_t k, Sum sum) const {
      double y = p == 2 ? sqrt(sum) : p == 0 || p == 1 ? sum : pow(sum, 1 / p);
      results.put(k, (ScMath<T>)y);
   }
};

template <typename M> struct Extreme {
   M value, count; // count 0: of nothing
};

// A NaN beats all.
template <typename T> struct Extremes : ScElements<T, Extremes<T>, Extreme<ScMath<T>>> {
   typedef ScMath<T> M;
   typedef Extreme<M> Sum;
   double p;
   Results<T> results;
   M *count; // or NULL
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum sum_of(M v) const { return {fabs(v), 1}; }
   __device__ bool beats(M a, M b) const { return (p > 0 ? a > b : a < b) || (a != a && b == b); }
   __device__ Sum join(Sum a, Sum b) const {
      if (a.count == 0 || b.count == 0) return a.count == 0 ? b : a;
      if (a.value == b.value) return {a.value, a.count + b.count};
      return beats(b.value, a.value) ? b : a;
   }
   __device__ void put(int64_t k, Sum sum) const {
      results.put(k, sum.value);
      if (count) count[k] = sum.count;
   }
};

template <typename M> __device__ M sign_of(M v) {
   return v > 0 ? (M)1 : v < 0 ? (M)-1 : v;
}

template <typename T> struct Gradient {
   typedef ScMath<T> M;
   double p;
   const T *gy;
   const M *y, *count; // count: of an infinite p, else NULL
   __device__ M slope(M x, M y, int64_t at) const {
      if (count) return fabs(x) == y || x != x ? sign_of(x) / count[at] : 0;
      if (p == 1) return sign_of(x);
      if (p == 0 || y == 0 || x == 0) return 0;
      return p == 2 ? x / y : sign_of(x) * (M)pow((double)(fabs(x) / y), p - 1);
   }
   __device__ M operator()(M x, int64_t at) const { return sc_widen(gy[at]) * slope(x, y[at], at); }
};

ScStatus forward(ScCall *c) {
   double p = c->attr[SC_NORM_P].f;
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      const T *x = sc_data<const T>(c->in[0]);
      Results<T> results = {sc_data<T>(c->out[0]), sc_data<M>(c->saved[SC_NORM_RESULT])};
      if (!isinf(p)) return sc_reduce_axis<T>(c->device, c->op->name, Powers<T>{{a, x}, p, results}, a);
      return sc_reduce_axis<T>(c->device, c->op->name,
                               Extremes<T>{{a, x}, p, results, sc_data<M>(c->saved[SC_NORM_TIES])}, a);
   });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      return sc_unfold<T>(c, Gradient<T>{c->attr[SC_NORM_P].f, sc_data<T>(c->grad_out[0]),
                                         sc_data<M>(c->saved[SC_NORM_RESULT]),
                                         sc_data<M>(c->saved[SC_NORM_TIES])});
   });
}

} // namespace

SC_KERNEL(cuda, norm, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
