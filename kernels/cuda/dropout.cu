#include "host/ops/dropout.h"

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/philox.cuh"

namespace {

// Four elements a thread, because one draw gives four numbers.
template <typename T>
__global__ void dropout_apply(int64_t n, ScDraws draws, uint32_t threshold, ScMath<T> scale, const T *x, T *y) {
   for (int64_t block = sc_thread(); block * 4 < n; block += sc_threads()) {
      uint32_t bits[4];
      ScMath<T> v[4];
      sc_cuda_philox(draws, (uint64_t)block, bits);
      sc_get_some(x, block * 4, n, v);
#pragma unroll
      for (int k = 0; k < 4; k++) v[k] = sc_is_kept(bits[k], threshold) ? v[k] * scale : 0;
      sc_put_some(y, block * 4, n, v);
   }
}

// Rows of `each` elements, of which each draws for itself.
template <typename T>
__global__ void dropout_apply_rows(int64_t n, int64_t each, ScDraws draws, const int64_t *keys,
                                   uint32_t threshold, ScMath<T> scale, const T *x, T *y) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      uint32_t bits[4];
      int64_t row = i / each, at = i % each;
      sc_cuda_philox(sc_cuda_row_draws(draws, keys[row]), (uint64_t)at / 4, bits);
      y[i] = sc_narrow<T>(sc_is_kept(bits[at % 4], threshold) ? sc_widen(x[i]) * scale : 0);
   }
}

ScStatus run(const ScCall *c, const ScTensor *x, const ScTensor *y) {
   double p = c->attr[SC_DROPOUT_P].f;
   int64_t n = sc_numel(x);
   ScDraws draws = sc_cuda_draws(c->device, c->attr[SC_DROPOUT_SEED].i, c->attr[SC_DROPOUT_STREAM].i);
   const int64_t *keys = sc_dropout_keys(c);
   return sc_with_float(x->dtype, [&](auto type) {
      typedef decltype(type) T;
      ScMath<T> scale = (ScMath<T>)(p < 1 ? 1 / (1 - p) : 0);
      if (keys)
         return sc_cuda_launch(c->device, "dropout", dropout_apply_rows<T>, sc_cuda_grid(c->device, n),
                               SC_CUDA_BLOCK, 0, n, n / x->shape[0], draws, keys, sc_threshold(p), scale,
                               sc_data<T>(x), sc_data<T>(y));
      return sc_cuda_launch(c->device, "dropout", dropout_apply<T>, sc_cuda_grid(c->device, n / 4),
                            SC_CUDA_BLOCK, 0, n, draws, sc_threshold(p), scale, sc_data<T>(x), sc_data<T>(y));
   });
}

ScStatus forward(ScCall *c) {
   return run(c, c->in[0], c->out[0]);
}
ScStatus backward(ScCall *c) {
   return run(c, c->grad_out[0], c->grad_in[0]);
}

} // namespace

SC_KERNEL(cuda, dropout, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
