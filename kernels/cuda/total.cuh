// Sums along one axis of a tensor as it lies, and the spreading of something over it.
#ifndef SCUTE_CUDA_TOTAL_CUH
#define SCUTE_CUDA_TOTAL_CUH

#include <type_traits>

#include "host/ops/axis.h"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/reduction.cuh"

// What elements add up in. Whole numbers keep all their digits.
template <typename T> struct ScSumOf { typedef ScMath<T> type; };
template <> struct ScSumOf<int64_t> { typedef __int128 type; };
template <typename T> using ScSum = typename ScSumOf<T>::type;

__device__ inline int64_t sc_saturate(__int128 x) {
   return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x;
}

template <typename T, typename R> struct ScTotal {
   typedef ScSum<T> Sum;
   ScAxis axis;
   Sum factor;
   const T *x;
   R *y;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum take(int64_t start, int64_t r) const { return (Sum)sc_widen(x[start + r * axis.inner]); }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r, v);
      Sum sum = v[0];
#pragma unroll
      for (int k = 1; k < N; k++) sum += v[k];
      return sum;
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&sums)[N]) const {
      sc_get_vector(x, start + r * axis.inner, sums);
   }
   __device__ void put(int64_t k, Sum sum) const {
      if constexpr (std::is_integral<R>::value)
         y[k] = sc_saturate(sum); // there is no mean of whole numbers
      else
         y[k] = sc_narrow<R>(sum * factor);
   }
};

// A reduction of x (outer, n, inner) over n, sixteen bytes at a time where sums are not too wide for it.
template <typename T, typename F>
ScStatus sc_reduce_axis(const ScDevice *device, const char *what, F f, ScAxis axis) {
   constexpr int N = std::is_same<ScMath<T>, float>::value ? ScWide<T>::N : 1;
   if (axis.inner == 1) return sc_reduce_along<N>(device, what, f, axis.outer, axis.n);
   return sc_reduce_side<N>(device, what, f, axis.outer * axis.inner, axis.n, axis.inner);
}

// y (outer, inner) = factor * sum of x (outer, n, inner) over n.
template <typename T, typename R>
ScStatus sc_total(const ScDevice *device, const char *what, ScAxis axis, double factor, const T *x, R *y) {
   ScTotal<T, R> f = {axis, (ScSum<T>)factor, x, y};
   return sc_reduce_axis<T>(device, what, f, axis);
}

// The result to which an element belongs, and its number along the axis.
struct ScMember {
   int64_t result, k;
};

template <typename I> __device__ inline ScMember sc_member_as(I n, I inner, I at) {
   I row = at / inner, outer = row / n;
   return {(int64_t)(outer * inner + (at - row * inner)), (int64_t)(row - outer * n)};
}

// Of element `at`, with 32-bit division where that will do.
__device__ inline ScMember sc_member_of(ScAxis a, int64_t at) {
   if (a.outer * a.n * a.inner <= INT32_MAX)
      return sc_member_as((uint32_t)a.n, (uint32_t)a.inner, (uint32_t)at);
   return sc_member_as(a.n, a.inner, at);
}

template <typename T> __global__ void sc_total_spread(ScAxis a, ScMath<T> factor, const T *y, T *x) {
   int64_t n = a.outer * a.n * a.inner;
   for (int64_t i = sc_thread(); i < n; i += sc_threads())
      x[i] = sc_narrow<T>(sc_widen(y[sc_member_of(a, i).result]) * factor);
}

// x (outer, n, inner) = factor * y (outer, inner).
template <typename T>
ScStatus sc_spread(const ScDevice *device, const char *what, ScAxis axis, double factor, const T *y, T *x) {
   return sc_cuda_launch(device, what, sc_total_spread<T>,
                         sc_cuda_grid(device, axis.outer * axis.n * axis.inner), SC_CUDA_BLOCK, 0, axis,
                         (ScMath<T>)factor, y, x);
}

// The kernel for vectors, where none of them lies in two rows or in two places of the axis; else the one for
// single elements.
template <typename T, typename... A>
ScStatus sc_launch_along(const ScCall *c, ScAxis a, void (*wide)(ScAxis, A...), void (*each)(ScAxis, A...),
                         std::type_identity_t<A>... args) {
   constexpr int N = ScWide<T>::N;
   bool fits = (a.inner > 1 ? a.inner : a.n) % N == 0;
   int64_t n = a.outer * a.n * a.inner;
   return sc_cuda_launch(c->device, c->op->name, fits ? wide : each, sc_cuda_grid(c->device, fits ? n / N : n),
                         SC_CUDA_BLOCK, 0, a, args...);
}

#endif
