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

// Each entry looks for the indices that took it, in their order, so that repeats add up the same way each time.
template <typename T>
__global__ void gather(ScAxis from, int64_t count, const int64_t *index, const T *gy, T *gx) {
   int64_t n = from.outer * from.n * from.inner;
   for (int64_t at = sc_thread(); at < n; at += sc_threads()) {
      int64_t row = at / from.inner, i = at - row * from.inner, o = row / from.n, k = row - o * from.n;
      ScMath<T> sum = 0;
      for (int64_t j = 0; j < count; j++)
         if (index[j] - 1 == k) sum += sc_widen(gy[(o * count + j) * from.inner + i]);
      gx[at] = sc_narrow<T>(sum);
   }
}

ScStatus backward(ScCall *c) {
   ScAxis from = sc_axis(c->grad_in[0], c->attr[SC_INDEX_SELECT_DIM].i);
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, "index_select", gather<T>,
                            sc_cuda_grid(c->device, sc_numel(c->grad_in[0])), SC_CUDA_BLOCK, 0, from,
                            sc_numel(c->in[1]), sc_data<int64_t>(c->in[1]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL(cuda, index_select, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
