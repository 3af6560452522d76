#include "host/ops/index_select.h"

#include "host/ops/axis.h"
#include "kernels/cuda/rows.cuh"

namespace {

// An index that is out of range reads nothing: its row becomes NaN (in integers all ones).
ScStatus forward(ScCall *c) {
   ScAxis from = sc_axis(c->in[0], c->attr[SC_INDEX_SELECT_DIM].i),
          to = sc_axis(c->out[0], c->attr[SC_INDEX_SELECT_DIM].i);
   int64_t row = to.inner * (int64_t)sc_dtype_size(c->out[0]->dtype);
   ScRows rows = {.outer = to.outer,
                  .count = to.n,
                  .row = row,
                  .from_outer = from.n * row,
                  .from_step = row,
                  .to_outer = to.n * row,
                  .to_step = row,
                  .index = sc_data<int64_t>(c->in[1]),
                  .limit = from.n};
   return sc_move_rows(c->device, "index_select", rows, sc_data<char>(c->in[0]), sc_data<char>(c->out[0]));
}

// ---- the gradient ----

enum { ENTRIES = SC_CUDA_BLOCK / SC_CUDA_WARP, STRIPS = 4, WIDTH = STRIPS * SC_CUDA_WARP };

// A warp has an entry of the dimension and WIDTH of its elements (outer * inner there are). The indices go by,
// a block's worth at a time; those that took the entry add to it in their order, so that repeats add up the
// same way each time.
template <typename T>
__global__ void index_select_backward(ScAxis from, int64_t count, const int64_t *index, const T *gy, T *gx) {
   __shared__ int64_t numbers[SC_CUDA_BLOCK];
   int lane = (int)threadIdx.x % SC_CUDA_WARP, warp = (int)threadIdx.x / SC_CUDA_WARP;
   int64_t entry = (int64_t)blockIdx.x * ENTRIES + warp, elements = from.outer * from.inner;
   for (int64_t first = (int64_t)blockIdx.y * WIDTH; first < elements; first += (int64_t)gridDim.y * WIDTH) {
      ScMath<T> sum[STRIPS] = {};
      int64_t outer[STRIPS], inner[STRIPS];
#pragma unroll
      for (int s = 0; s < STRIPS; s++) {
         int64_t element = first + s * SC_CUDA_WARP + lane;
         outer[s] = element < elements ? element / from.inner : -1;
         inner[s] = element - outer[s] * from.inner;
      }
      for (int64_t j = 0; j < count; j += SC_CUDA_BLOCK) {
         __syncthreads();
         numbers[threadIdx.x] = j + threadIdx.x < count ? index[j + threadIdx.x] - 1 : -1;
         __syncthreads();
         for (int some = 0; some < SC_CUDA_BLOCK; some += SC_CUDA_WARP) {
            unsigned took = __ballot_sync(0xffffffff, numbers[some + lane] == entry);
            for (; took; took &= took - 1) {
               int64_t row = j + some + __ffs((int)took) - 1;
#pragma unroll
               for (int s = 0; s < STRIPS; s++)
                  if (outer[s] >= 0) sum[s] += sc_widen(gy[(outer[s] * count + row) * from.inner + inner[s]]);
            }
         }
      }
#pragma unroll
      for (int s = 0; s < STRIPS; s++)
         if (outer[s] >= 0 && entry < from.n)
            gx[(outer[s] * from.n + entry) * from.inner + inner[s]] = sc_narrow<T>(sum[s]);
   }
}

ScStatus backward(ScCall *c) {
   ScAxis from = sc_axis(c->grad_in[0], c->attr[SC_INDEX_SELECT_DIM].i);
   int64_t wide = (from.outer * from.inner + WIDTH - 1) / WIDTH;
   dim3 grid((unsigned)((from.n + ENTRIES - 1) / ENTRIES), (unsigned)(wide < 65535 ? wide : 65535));
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, "index_select", index_select_backward<T>, grid, SC_CUDA_BLOCK, 0, from,
                            sc_numel(c->in[1]), sc_data<int64_t>(c->in[1]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL(cuda, index_select, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
