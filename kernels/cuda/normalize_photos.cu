// Photos from bytes to numbers: a thread reads as many bytes as make sixteen bytes of result.
#include "host/ops/normalize_photos.h"

#include "kernels/cuda/element.cuh"

namespace {

// mean and std (channels) in M, in which it is computed.
template <typename M, typename R>
__global__ void normalize_photos_forward(int64_t n, int64_t channels, const uint8_t *x, const M *mean,
                                         const M *std, R *y) {
   constexpr int N = ScWide<R>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      int64_t from[N];
      ScMath<R> to[N];
      int channel = (int)sc_channel_of(i, n, channels);
      sc_get_some(x, i, n, from);
#pragma unroll
      for (int k = 0; k < N; k++) {
         to[k] = (ScMath<R>)(((M)(int)from[k] / 255 - mean[channel]) / std[channel]);
         if (++channel == channels) channel = 0;
      }
      sc_put_some(y, i, n, to);
   }
}

template <typename M, typename R> ScStatus run(const ScCall *c) {
   const ScTensor *x = c->in[SC_NORMALIZE_X];
   int64_t n = sc_numel(x);
   return sc_cuda_launch(c->device, "normalize_photos", normalize_photos_forward<M, R>,
                         sc_cuda_grid(c->device, n / ScWide<R>::N), SC_CUDA_BLOCK, 0, n, x->shape[1],
                         sc_data<uint8_t>(x), sc_data<M>(c->in[SC_NORMALIZE_MEAN]),
                         sc_data<M>(c->in[SC_NORMALIZE_STD]), sc_data<R>(c->out[0]));
}

template <typename M> ScStatus run_in(const ScCall *c) {
   switch (c->out[0]->dtype) {
   case SC_F16: return run<M, __half>(c);
   case SC_BF16: return run<M, __nv_bfloat16>(c);
   default: return run<M, M>(c);
   }
}

ScStatus forward(ScCall *c) {
   return c->in[SC_NORMALIZE_MEAN]->dtype == SC_F64 ? run_in<double>(c) : run_in<float>(c);
}

} // namespace

SC_KERNEL(cuda, normalize_photos, .dtypes = 1u << SC_U8, .forward = forward, .backward = nullptr)
