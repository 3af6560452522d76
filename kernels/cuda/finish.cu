#include "kernels/cuda/finish.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/reduction.cuh"

namespace {

// ---- y = act(y + shift + residual) ----

template <typename T, int N>
__global__ void finish_product(int64_t n, int64_t channels, int act, T *y, const ScMath<T> *shift,
                               const T *residual) {
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> v[N], r[N];
      int64_t channel = sc_channel_of(i, n, channels);
      sc_get_vector(y, i, v);
      if (residual) sc_get_vector(residual, i, r);
#pragma unroll
      for (int k = 0; k < N; k++) {
         if (shift) v[k] += shift[channel + k];
         if (residual) v[k] += r[k];
      }
      sc_cuda_act(act, v);
      sc_put_vector(y, i, v);
   }
}

// ---- sums over rows ----

template <typename T> struct ColumnSums {
   typedef ScMath<T> Sum;
   int64_t channels;
   const T *x;
   Sum *sums;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ const T *place(int64_t channel) const { return x + channel; }
   __device__ Sum take(const T *column, int64_t row) const { return sc_widen(column[row * channels]); }
   template <int N> __device__ void take_side(const T *column, int64_t row, Sum (&found)[N]) const {
      sc_get_vector(column, row * channels, found);
   }
   __device__ void put(int64_t channel, Sum sum) const { sums[channel] = sum; }
};

} // namespace

ScStatus sc_cuda_finish(const ScDevice *device, const char *what, ScDtype dtype, int64_t rows, int64_t channels,
                        void *y, const void *shift, const void *residual, ScAct act) {
   return sc_with_float(dtype, [&](auto type) {
      typedef decltype(type) T;
      constexpr int N = ScWide<T>::N;
      bool wide = channels % N == 0;
      int64_t n = rows * channels;
      return sc_cuda_launch(device, what, wide ? finish_product<T, N> : finish_product<T, 1>,
                            sc_cuda_grid(device, wide ? n / N : n), SC_CUDA_BLOCK, 0, n, channels, (int)act,
                            (T *)y, (const ScMath<T> *)shift, (const T *)residual);
   });
}

ScStatus sc_cuda_column_sums(const ScDevice *device, const char *what, ScDtype dtype, int64_t rows,
                             int64_t channels, const void *x, void *sums) {
   return sc_with_float(dtype, [&](auto type) {
      typedef decltype(type) T;
      ColumnSums<T> f = {channels, (const T *)x, (ScMath<T> *)sums};
      constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N;
      return sc_reduce_side<N>(device, what, f, channels, rows, channels);
   });
}
