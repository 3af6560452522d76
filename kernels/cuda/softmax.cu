// Softmax and its logarithm: a block for each row, one warp of it if the row is short.
#include "host/ops/softmax.h"

#include <math.h>

#include "host/ops/axis.h"
#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"

namespace {

enum { SHORT = 1024 }; // elements that one warp takes

template <typename T> __global__ void normalise(ScAxis a, bool log_scale, const T *x, T *y) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < a.outer * a.inner; row += gridDim.x) {
      int64_t start = row / a.inner * a.n * a.inner + row % a.inner;
      M top = -(M)INFINITY, total = 0;
      for (int64_t k = threadIdx.x; k < a.n; k += blockDim.x)
         top = ScMost::join(top, sc_widen(x[start + k * a.inner]));
      top = sc_block_reduce<ScMost>(top);
      for (int64_t k = threadIdx.x; k < a.n; k += blockDim.x)
         total += exp(sc_widen(x[start + k * a.inner]) - top);
      total = sc_block_reduce<ScAdd>(total);
      M log_total = log(total);
      for (int64_t k = threadIdx.x; k < a.n; k += blockDim.x) {
         M above = sc_widen(x[start + k * a.inner]) - top;
         y[start + k * a.inner] = sc_narrow<T>(log_scale ? above - log_total : exp(above) / total);
      }
   }
}

// softmax: gx = y (gy - sum(gy y)); log_softmax: gx = gy - exp(y) sum(gy).
template <typename T> __global__ void derive(ScAxis a, bool log_scale, const T *y, const T *gy, T *gx) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < a.outer * a.inner; row += gridDim.x) {
      int64_t start = row / a.inner * a.n * a.inner + row % a.inner;
      M total = 0;
      for (int64_t k = threadIdx.x; k < a.n; k += blockDim.x) {
         int64_t at = start + k * a.inner;
         total += sc_widen(gy[at]) * (log_scale ? 1 : sc_widen(y[at]));
      }
      total = sc_block_reduce<ScAdd>(total);
      for (int64_t k = threadIdx.x; k < a.n; k += blockDim.x) {
         int64_t at = start + k * a.inner;
         M vy = sc_widen(y[at]), g = sc_widen(gy[at]);
         gx[at] = sc_narrow<T>(log_scale ? g - exp(vy) * total : vy * (g - total));
      }
   }
}

dim3 rows_grid(ScAxis a) {
   int64_t rows = a.outer * a.inner;
   return dim3((unsigned)(rows < INT32_MAX ? rows : INT32_MAX));
}

int threads_for(ScAxis a) {
   return a.n <= SHORT ? SC_CUDA_WARP : SC_CUDA_BLOCK;
}

ScStatus forward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, normalise<T>, rows_grid(a), threads_for(a), 0, a, log_scale,
                            sc_data<T>(c->in[0]), sc_data<T>(c->out[0]));
   });
}

ScStatus backward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->out[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->out[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, derive<T>, rows_grid(a), threads_for(a), 0, a, log_scale,
                            sc_data<T>(c->out[0]), sc_data<T>(c->grad_out[0]), sc_data<T>(c->grad_in[0]));
   });
}

ScStatus forward_softmax(ScCall *c) {
   return forward(c, false);
}
ScStatus backward_softmax(ScCall *c) {
   return backward(c, false);
}
ScStatus forward_log(ScCall *c) {
   return forward(c, true);
}
ScStatus backward_log(ScCall *c) {
   return backward(c, true);
}

} // namespace

SC_KERNEL(cuda, softmax, .dtypes = SC_CUDA_FLOATS, .forward = forward_softmax, .backward = backward_softmax)
SC_KERNEL(cuda, log_softmax, .dtypes = SC_CUDA_FLOATS, .forward = forward_log, .backward = backward_log)
