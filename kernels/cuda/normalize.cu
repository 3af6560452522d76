// Vectors brought to length 1. What is to be known of each is found by a reduction, in which neighbouring
// threads read neighbours whatever the dimension; then each element is done for itself.
#include "host/ops/normalize.h"

#include <math.h>

#include "kernels/cuda/total.cuh"

namespace {

// The norm's p and eps.
template <typename M> struct Power {
   M p, eps;
   __device__ bool is_largest() const { return isinf(p); }
   __device__ M of(M ratio, M exponent) const {
      return exponent == 0 ? 1 : exponent == 1 ? ratio : exponent == 2 ? ratio * ratio : pow(ratio, exponent);
   }
   __device__ M root(M sum) const { return p == 2 ? sqrt(sum) : p == 1 ? sum : pow(sum, 1 / p); }
   __device__ M divisor(M norm) const { return norm < eps ? eps : norm; }
};

// ---- norms: the largest magnitude, and the sum of powers relative to it ----

template <typename M> struct Size { M top, total; };

template <typename T> struct Norms {
   typedef ScMath<T> M;
   typedef Size<M> Sum;
   ScAxis axis;
   Power<M> power;
   const T *x;
   M *norms;
   __device__ Sum zero() const { return {0, 0}; }
   __device__ M scaled(Sum s, M top) const {
      return s.top == top ? s.total : s.total * power.of(s.top / top, power.p);
   }
   // A NaN beats everything.
   __device__ Sum join(Sum a, Sum b) const {
      M top = b.top > a.top || b.top != b.top ? b.top : a.top;
      return {top, power.is_largest() ? 1 : scaled(a, top) + scaled(b, top)};
   }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum take(int64_t start, int64_t r) const {
      return {fabs(sc_widen(x[start + r * axis.inner])), 1};
   }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      M v[N];
      sc_get_vector(x, start + r, v);
      Sum sum = {fabs(v[0]), 1};
#pragma unroll
      for (int k = 1; k < N; k++) sum = join(sum, {fabs(v[k]), 1});
      return sum;
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      M v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = {fabs(v[k]), 1};
   }
   __device__ void put(int64_t k, Sum s) const {
      norms[k] = power.is_largest() || s.top == 0 || !isfinite(s.top) ? s.top : s.top * power.root(s.total);
   }
};

// The vectors of N elements side by side are N, or one.
template <typename T, int N>
__global__ void normalize_forward(ScAxis a, Power<ScMath<T>> power, const T *x, const ScMath<T> *norms, T *y) {
   int next = a.inner > 1;
   for (int64_t i = sc_thread() * N; i < a.outer * a.n * a.inner; i += sc_threads() * N) {
      const ScMath<T> *norm = norms + sc_member_of(a, i).result;
      ScMath<T> v[N];
      sc_get_vector(x, i, v);
#pragma unroll
      for (int k = 0; k < N; k++, norm += next) v[k] /= power.divisor(*norm);
      sc_put_vector(y, i, v);
   }
}

// ---- gradient ----

// Of a vector: the sum of x / norm times the gradient, and how many elements are as large as the norm.
template <typename M> struct Share { M dot, ties; };

template <typename T> struct Shares {
   typedef ScMath<T> M;
   typedef Share<M> Sum;
   struct Place {
      int64_t start, k;
   };
   ScAxis axis;
   Power<M> power;
   const T *x, *gy;
   const M *norms;
   Sum *shares;
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return {a.dot + b.dot, a.ties + b.ties}; }
   __device__ Place place(int64_t k) const {
      return {k / axis.inner * axis.n * axis.inner + k % axis.inner, k};
   }
   __device__ Sum term(M v, M g, M norm) const {
      return {norm < power.eps ? 0 : g * (v / norm), (M)(fabs(v) == norm)};
   }
   __device__ Sum take(Place p, int64_t r) const {
      int64_t at = p.start + r * axis.inner;
      return term(sc_widen(x[at]), sc_widen(gy[at]), norms[p.k]);
   }
   template <int N> __device__ Sum take_along(Place p, int64_t r) const {
      M v[N], g[N];
      sc_get_vector(x, p.start + r, v);
      sc_get_vector(gy, p.start + r, g);
      Sum sum = term(v[0], g[0], norms[p.k]);
#pragma unroll
      for (int k = 1; k < N; k++) sum = join(sum, term(v[k], g[k], norms[p.k]));
      return sum;
   }
   template <int N> __device__ void take_side(Place p, int64_t r, Sum (&found)[N]) const {
      M v[N], g[N];
      sc_get_vector(x, p.start + r * axis.inner, v);
      sc_get_vector(gy, p.start + r * axis.inner, g);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = term(v[k], g[k], norms[p.k + k]);
   }
   __device__ void put(int64_t k, Sum sum) const {
      shares[k] = sum;
   }
};

// The derivative of the norm.
template <typename M> __device__ M slope(const Power<M> &power, M v, M norm, M ties) {
   M sign = (M)((v > 0) - (v < 0));
   if (v == 0) return 0;
   if (power.is_largest()) return fabs(v) == norm ? sign / ties : 0;
   return sign * power.of(fabs(v) / norm, power.p - 1);
}

template <typename T, int N>
__global__ void normalize_backward(ScAxis a, Power<ScMath<T>> power, const T *x, const T *gy,
                                   const ScMath<T> *norms, const Share<ScMath<T>> *shares, T *gx) {
   typedef ScMath<T> M;
   int next = a.inner > 1;
   for (int64_t i = sc_thread() * N; i < a.outer * a.n * a.inner; i += sc_threads() * N) {
      int64_t at = sc_member_of(a, i).result;
      M v[N], g[N];
      sc_get_vector(x, i, v);
      sc_get_vector(gy, i, g);
#pragma unroll
      for (int k = 0; k < N; k++, at += next) {
         M norm = norms[at], dot = shares[at].dot;
         M off = dot == 0 ? 0 : dot * slope(power, v[k], norm, shares[at].ties);
         g[k] = (g[k] - off) / power.divisor(norm);
      }
      sc_put_vector(gx, i, g);
   }
}

// ---- calls ----

// Scratch memory for something of each vector, which is let go at the end: whoever gets it next uses it later
// in the stream.
template <typename S, typename F> ScStatus with_space(const ScCall *c, ScAxis a, F f) {
   ScBuffer *space;
   SC_TRY(sc_buffer_new(&space, c->device, (size_t)(a.outer * a.inner) * sizeof(S)));
   ScStatus status = f((S *)space->data);
   sc_buffer_release(space);
   return status;
}

template <typename T> Power<ScMath<T>> power_of(const ScCall *c) {
   return {(ScMath<T>)c->attr[SC_UNIT_P].f, (ScMath<T>)c->attr[SC_UNIT_EPS].f};
}

template <typename T> ScStatus forward_with(const ScCall *c, ScAxis a, ScMath<T> *norms) {
   Norms<T> f = {a, power_of<T>(c), sc_data<T>(c->in[0]), norms};
   SC_TRY(sc_reduce_axis<T>(c->device, "normalize", f, a));
   return sc_launch_along<T>(c, a, normalize_forward<T, ScWide<T>::N>, normalize_forward<T, 1>, f.power, f.x,
                             norms, sc_data<T>(c->out[0]));
}

ScStatus forward(ScCall *c) {
   ScAxis a = sc_unit_axis(c, c->in[0]);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      ScMath<T> *saved = sc_data<ScMath<T>>(c->saved[SC_UNIT_NORMS]);
      if (saved) return forward_with<T>(c, a, saved);
      return with_space<ScMath<T>>(c, a, [&](ScMath<T> *norms) { return forward_with<T>(c, a, norms); });
   });
}

template <typename T> ScStatus backward_with(const ScCall *c, ScAxis a, Share<ScMath<T>> *shares) {
   Shares<T> f = {a,
                  power_of<T>(c),
                  sc_data<T>(c->in[0]),
                  sc_data<T>(c->grad_out[0]),
                  sc_data<ScMath<T>>(c->saved[SC_UNIT_NORMS]),
                  shares};
   SC_TRY(sc_reduce_axis<T>(c->device, "normalize", f, a));
   return sc_launch_along<T>(c, a, normalize_backward<T, ScWide<T>::N>, normalize_backward<T, 1>, f.power, f.x,
                             f.gy, f.norms, shares, sc_data<T>(c->grad_in[0]));
}

ScStatus backward(ScCall *c) {
   ScAxis a = sc_unit_axis(c, c->in[0]);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return with_space<Share<ScMath<T>>>(c, a, [&](auto *shares) { return backward_with<T>(c, a, shares); });
   });
}

} // namespace

SC_KERNEL(cuda, normalize, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
