// Variances in one pass: means and sums of squares around them, joined as in Chan, Golub and LeVeque 1979, of
// distances from the first element, so that a large mean costs no digits.
#include "host/ops/var.h"

#include <math.h>

#include "kernels/cuda/unfold.cuh"

namespace {

template <typename T> struct Variance {
   typedef ScMath<T> M;
   struct Sum {
      M n, mean, squares; // of distances
   };
   ScAxis axis;
   M divisor;
   bool root;
   const T *x;
   T *y;
   M *mean; // or NULL
   __device__ Sum zero() const { return {0, 0, 0}; }
   __device__ Sum join(Sum a, Sum b) const {
      if (a.n == 0) return b;
      if (b.n == 0) return a;
      M d = b.mean - a.mean, share = b.n / (a.n + b.n);
      return {a.n + b.n, a.mean + d * share, a.squares + b.squares + d * d * share * a.n};
   }
   __device__ int64_t start(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   struct Place {
      int64_t start;
      M shift;
   };
   __device__ Place place(int64_t k) const { return {start(k), sc_widen(x[start(k)])}; }
   // An infinity has no distance from itself.
   __device__ Sum one(M d) const { return {1, d, d - d}; }
   __device__ Sum take(Place p, int64_t r) const {
      return one(sc_widen(x[p.start + r * axis.inner]) - p.shift);
   }
   template <int N> __device__ Sum take_along(Place p, int64_t r) const {
      M d[N], mean = 0, squares = 0;
      sc_get_vector(x, p.start + r, d);
#pragma unroll
      for (int k = 0; k < N; k++) d[k] -= p.shift, mean += d[k] / N;
#pragma unroll
      for (int k = 0; k < N; k++) squares += (d[k] - mean) * (d[k] - mean);
      return {N, mean, squares};
   }
   template <int N> __device__ void take_side(Place p, int64_t r, Sum (&found)[N]) const {
      M v[N], shift[N];
      sc_get_vector(x, p.start, shift);
      sc_get_vector(x, p.start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = one(v[k] - shift[k]);
   }
   __device__ void put(int64_t k, Sum all) const {
      M var = all.squares / divisor;
      y[k] = sc_narrow<T>(root ? sqrt(var) : var);
      if (mean) mean[k] = sc_widen(x[start(k)]) + all.mean;
   }
};

template <typename T> struct Gradient {
   typedef ScMath<T> M;
   M divisor;
   const M *mean;
   const T *y, *gy; // y is NULL: of a variance
   __device__ M operator()(M x, int64_t at) const {
      M root = y ? sc_widen(y[at]) : (M)0.5;
      return root == 0 ? 0 : (x - mean[at]) * (sc_widen(gy[at]) / (divisor * root));
   }
};

ScStatus forward(ScCall *c, bool root) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      Variance<T> f = {
          a, (M)sc_var_divisor(c), root, sc_data<T>(c->in[0]), sc_data<T>(c->out[0]), sc_data<M>(c->saved[0])};
      return sc_reduce_axis<T>(c->device, c->op->name, f, a);
   });
}

ScStatus backward(ScCall *c, bool root) {
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      Gradient<T> f = {(M)sc_var_divisor(c), sc_data<M>(c->saved[0]), root ? sc_data<T>(c->out[0]) : nullptr,
                       sc_data<T>(c->grad_out[0])};
      return sc_unfold<T>(c, f);
   });
}

} // namespace

SC_KERNEL_OF(cuda, var, SC_CUDA_FLOATS, forward(c, false), backward(c, false))
SC_KERNEL_OF(cuda, std, SC_CUDA_FLOATS, forward(c, true), backward(c, true))
