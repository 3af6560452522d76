// Sums, means and extremes over one dimension or over everything.
#include "host/ops/reduction.h"

#include "kernels/cuda/total.cuh"

namespace {

// ---- sums ----

template <typename T> using Result = typename std::conditional<std::is_integral<T>::value, int64_t, T>::type;

ScAxis axis_of(const ScTensor *x) {
   return sc_axis(x, SC_REDUCED);
}

ScStatus add_up(ScCall *c, double factor) {
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_total(c->device, c->op->name, axis_of(c->in[0]), factor, sc_data<const T>(c->in[0]),
                      sc_data<Result<T>>(c->out[0]));
   });
}

ScStatus spread(ScCall *c, double factor) {
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_spread(c->device, c->op->name, axis_of(c->grad_in[0]), factor, sc_data<const T>(c->grad_out[0]),
                       sc_data<T>(c->grad_in[0]));
   });
}

double one_over_n(const ScCall *c) {
   return 1.0 / (double)axis_of(c->in[0]).n;
}

// ---- extremes ----

// The first of the best; a NaN beats everything.
template <typename T> struct Extreme {
   struct Sum {
      ScMath<T> value;
      int64_t k; // -1: none yet
   };
   ScAxis axis;
   bool smallest;
   const T *x;
   T *y;            // NULL: the index is wanted
   int64_t *index;  // from 1, or NULL
   int64_t *winner; // from 0, for backward, or NULL
   __device__ Sum zero() const { return {0, -1}; }
   __device__ Sum join(Sum a, Sum b) const {
      if (a.k < 0 || b.k < 0) return a.k < 0 ? b : a;
      bool nan_a = a.value != a.value, nan_b = b.value != b.value;
      if (nan_a != nan_b) return nan_a ? a : b;
      if (nan_a || a.value == b.value) return a.k < b.k ? a : b;
      return (a.value > b.value) != smallest ? a : b;
   }
   // Whether a later number is the better one.
   __device__ bool beats(ScMath<T> later, ScMath<T> best) const {
      return best == best && !(smallest ? later >= best : later <= best);
   }
   __device__ Sum follow(Sum a, Sum b) const { return a.k < 0 || beats(b.value, a.value) ? b : a; }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum take(int64_t start, int64_t r) const { return {sc_widen(x[start + r * axis.inner]), r}; }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r, v);
      ScMath<T> best = v[0];
      int at = 0;
#pragma unroll
      for (int k = 1; k < N; k++)
         if (beats(v[k], best)) best = v[k], at = k;
      return {best, r + at};
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = {v[k], r};
   }
   __device__ void put(int64_t k, Sum best) const {
      if (y) y[k] = sc_narrow<T>(best.value);
      if (index) index[k] = best.k + 1;
      if (winner) winner[k] = best.k;
   }
};

ScStatus find(ScCall *c, bool smallest, bool index) {
   ScAxis a = axis_of(c->in[0]);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Extreme<T> f = {a,
                      smallest,
                      sc_data<T>(c->in[0]),
                      index ? nullptr : sc_data<T>(c->out[0]),
                      index ? sc_data<int64_t>(c->out[0]) : nullptr,
                      sc_data<int64_t>(c->saved[0])};
      return sc_reduce_axis<T>(c->device, c->op->name, f, a);
   });
}

template <typename T> __global__ void reduce_to_winner(ScAxis a, const int64_t *winner, const T *gy, T *gx) {
   int64_t n = a.outer * a.n * a.inner;
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      ScMember m = sc_member_of(a, i);
      gx[i] = m.k == winner[m.result] ? gy[m.result] : sc_narrow<T>(0);
   }
}

ScStatus backward_extreme(ScCall *c) {
   ScAxis a = axis_of(c->grad_in[0]);
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, reduce_to_winner<T>,
                            sc_cuda_grid(c->device, sc_numel(c->grad_in[0])), SC_CUDA_BLOCK, 0, a,
                            sc_data<int64_t>(c->saved[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

// ---- calls ----

ScStatus forward_max(ScCall *c) {
   return find(c, false, false);
}
ScStatus forward_min(ScCall *c) {
   return find(c, true, false);
}
ScStatus forward_argmax(ScCall *c) {
   return find(c, false, true);
}
ScStatus forward_argmin(ScCall *c) {
   return find(c, true, true);
}

} // namespace

SC_KERNEL_OF(cuda, sum, SC_ALL_DTYPES, add_up(c, 1), spread(c, 1))
SC_KERNEL_OF(cuda, mean, SC_CUDA_FLOATS, add_up(c, one_over_n(c)), spread(c, one_over_n(c)))
SC_KERNEL(cuda, max, .dtypes = SC_ALL_DTYPES, .forward = forward_max, .backward = backward_extreme)
SC_KERNEL(cuda, min, .dtypes = SC_ALL_DTYPES, .forward = forward_min, .backward = backward_extreme)
SC_KERNEL(cuda, argmax, .dtypes = SC_ALL_DTYPES, .forward = forward_argmax, .backward = nullptr)
SC_KERNEL(cuda, argmin, .dtypes = SC_ALL_DTYPES, .forward = forward_argmin, .backward = nullptr)
