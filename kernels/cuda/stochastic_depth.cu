#include "host/ops/stochastic_depth.h"

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/philox.cuh"

namespace {

template <typename M> struct Depth {
   ScDraws draws;
   const int64_t *keys; // NULL: a sample is known by its row
   uint32_t threshold;  // 0: every sample stays
   M scale;
};

// What sample `row` is multiplied by, as sc_depth_scale has it.
template <typename M> __device__ M scale_of(Depth<M> d, int64_t row) {
   uint32_t bits[4];
   sc_cuda_philox(d.keys ? sc_cuda_row_draws(d.draws, d.keys[row]) : d.draws, d.keys ? 0 : (uint64_t)row / 4,
                  bits);
   return sc_is_kept(bits[d.keys ? 0 : row % 4], d.threshold) ? d.scale : 0;
}

// One sample after the other, `each` elements long; `strip` divides that. A sample that is left out is 0 even
// where it holds NaN.
template <typename T, int N>
__global__ void stochastic_depth_scale(int64_t rows, int64_t each, Depth<ScMath<T>> d, const T *x,
                                       const T *residual, T *y) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
      M scale = scale_of(d, row);
      for (int64_t i = sc_thread() * N; i < each; i += sc_threads() * N) {
         int64_t at = row * each + i;
         M v[N] = {}, add[N] = {};
         if (scale != 0) sc_get_vector(x, at, v);
         if (residual) sc_get_vector(residual, at, add);
#pragma unroll
         for (int k = 0; k < N; k++) v[k] = scale * v[k] + add[k];
         sc_put_vector(y, at, v);
      }
   }
}

template <typename T, int N>
ScStatus launch(const ScCall *c, Depth<ScMath<T>> d, const ScTensor *x, const ScTensor *residual,
                const ScTensor *y) {
   int64_t rows = x->shape[0], each = sc_numel(x) / rows;
   dim3 grid = sc_cuda_grid(c->device, each / N);
   grid.y = (unsigned)(rows < 65535 ? rows : 65535);
   return sc_cuda_launch(c->device, "stochastic_depth", stochastic_depth_scale<T, N>, grid, SC_CUDA_BLOCK, 0,
                         rows, each, d, sc_data<T>(x), sc_data<T>(residual), sc_data<T>(y));
}

ScStatus run(const ScCall *c, const ScTensor *x, const ScTensor *residual, const ScTensor *y) {
   double p = c->attr[SC_DEPTH_TRAINING].i ? c->attr[SC_DEPTH_P].f : 0;
   ScDraws draws = sc_cuda_draws(c->device, c->attr[SC_DEPTH_SEED].i, c->attr[SC_DEPTH_STREAM].i);
   return sc_with_float(x->dtype, [&](auto type) {
      typedef decltype(type) T;
      constexpr int N = ScWide<T>::N;
      Depth<ScMath<T>> d = {draws, sc_depth_keys(c), sc_threshold(p), (ScMath<T>)(p < 1 ? 1 / (1 - p) : 0)};
      bool vectors = sc_numel(x) / x->shape[0] % N == 0;
      return vectors ? launch<T, N>(c, d, x, residual, y) : launch<T, 1>(c, d, x, residual, y);
   });
}

ScStatus forward(ScCall *c) {
   return run(c, c->in[SC_DEPTH_X], c->in[SC_DEPTH_RESIDUAL], c->out[0]);
}
ScStatus backward(ScCall *c) {
   return run(c, c->grad_out[0], nullptr, c->grad_in[SC_DEPTH_X]);
}

} // namespace

SC_KERNEL(cuda, stochastic_depth, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
