// What follows a matrix product or a convolution, and what folds batch norm into one.
#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/parts.h"
#include "kernels/cuda/reduce.cuh"

namespace {

// ---- y = act(y + shift + residual) ----

template <typename T, int N>
__global__ void finish(int64_t n, int64_t channels, int act, T *y, const ScMath<T> *shift, const T *residual) {
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> v[N], r[N];
      int64_t channel = sc_channel_of(i, n, channels);
      sc_get_vector(y, i, v);
      if (residual) sc_get_vector(residual, i, r);
#pragma unroll
      for (int k = 0; k < N; k++) {
         if (shift) v[k] += shift[channel + k];
         if (residual) v[k] += r[k];
         v[k] = sc_cuda_act(act, v[k]);
      }
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
   __device__ void put(int64_t channel, Sum sum) const { sums[channel] = sum; }
};

// ---- batch norm into filters ----

struct Norm {
   double eps;
   const float *bias, *gamma, *beta, *mean, *var; // bias, gamma and beta may be NULL
};

// A block per output channel.
template <typename T>
__global__ void fold(Norm norm, int64_t filter, const float *weights, T *folded, float *shift) {
   int64_t o = blockIdx.x, first = o * filter;
   double scale = (norm.gamma ? norm.gamma[o] : 1) / sqrt(norm.var[o] + norm.eps);
   for (int64_t i = threadIdx.x; i < filter; i += blockDim.x)
      folded[first + i] = sc_narrow<T>((float)(weights[first + i] * scale));
   if (threadIdx.x > 0) return;
   double bias = norm.bias ? norm.bias[o] : 0, beta = norm.beta ? norm.beta[o] : 0;
   shift[o] = (float)((bias - norm.mean[o]) * scale + beta);
}

} // namespace

ScStatus sc_cuda_finish(const ScDevice *device, const char *what, ScDtype dtype, int64_t rows, int64_t channels,
                        void *y, const void *shift, const void *residual, ScAct act) {
   return sc_with_float(dtype, [&](auto type) {
      typedef decltype(type) T;
      constexpr int N = ScWide<T>::N;
      bool wide = channels % N == 0;
      int64_t n = rows * channels;
      return sc_cuda_launch(device, what, wide ? finish<T, N> : finish<T, 1>,
                            sc_cuda_grid(device, wide ? n / N : n), SC_CUDA_BLOCK, 0, n, channels, (int)act,
                            (T *)y, (const ScMath<T> *)shift, (const T *)residual);
   });
}

ScStatus sc_cuda_column_sums(const ScDevice *device, const char *what, ScDtype dtype, int64_t rows,
                             int64_t channels, const void *x, void *sums) {
   return sc_with_float(dtype, [&](auto type) {
      typedef decltype(type) T;
      ColumnSums<T> f = {channels, (const T *)x, (ScMath<T> *)sums};
      return sc_reduce(device, what, f, channels, rows, false);
   });
}

ScStatus sc_cuda_fold(const ScCall *c, void *weights, float *shift) {
   Norm norm = {c->attr[SC_FOLDED_EPS].f,
                sc_data<float>(c->in[SC_CONV_BIAS]),
                sc_data<float>(c->in[SC_FOLDED_BN_WEIGHT]),
                sc_data<float>(c->in[SC_FOLDED_BN_BIAS]),
                sc_data<float>(c->in[SC_FOLDED_MEAN]),
                sc_data<float>(c->in[SC_FOLDED_VAR])};
   const ScTensor *w = c->in[SC_CONV_WEIGHT];
   int64_t channels = w->shape[0];
   auto launch = [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, "conv2d_folded", fold<T>, (unsigned)channels, 128, 0, norm,
                            sc_numel(w) / channels, sc_data<float>(w), (T *)weights, shift);
   };
   switch (c->in[SC_CONV_X]->dtype) {
   case SC_F16: return launch(__half());
   case SC_BF16: return launch(__nv_bfloat16());
   default: return launch(float());
   }
}
