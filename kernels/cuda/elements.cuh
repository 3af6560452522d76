// How reductions along one axis read the elements of x (outer, n, inner), one and several at a time, for
// functors of kernels/cuda/reduction.cuh that take each for itself: struct F : ScElements<T, F, Sum>, which
// says what one is, in Sum sum_of(ScMath<T>), besides zero, join and put.
#ifndef SCUTE_CUDA_ELEMENTS_CUH
#define SCUTE_CUDA_ELEMENTS_CUH

#include "kernels/cuda/total.cuh"

template <typename T, typename F, typename S> struct ScElements {
   typedef S Sum;
   ScAxis axis;
   const T *x;
   __device__ const F &self() const { return *(const F *)this; }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum take(int64_t start, int64_t r) const {
      return self().sum_of(sc_widen(x[start + r * axis.inner]));
   }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r, v);
      Sum sum = self().sum_of(v[0]);
#pragma unroll
      for (int k = 1; k < N; k++) sum = self().join(sum, self().sum_of(v[k]));
      return sum;
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      ScMath<T> v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = self().sum_of(v[k]);
   }
};

#endif
