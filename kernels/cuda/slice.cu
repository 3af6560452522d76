#include "host/core/transfer.h"
#include "host/ops/slice.h"

#include "host/ops/axis.h"
#include "kernels/cuda/rows.cuh"

// The rows of `small`, as they lie in it and, from the first on, in `large`.
static ScRows rows_of(const ScCall *c, const ScTensor *large, const ScTensor *small, int64_t *first) {
   ScAxis whole = sc_axis(large, c->attr[SC_SLICE_DIM].i), part = sc_axis(small, c->attr[SC_SLICE_DIM].i);
   int64_t row = part.inner * (int64_t)sc_dtype_size(large->dtype), step = c->attr[SC_SLICE_STEP].i;
   *first = (c->attr[SC_SLICE_FROM].i - 1) * row;
   if (step == 1) // they lie one after the other in both
      return {.outer = part.outer,
              .count = 1,
              .row = part.n * row,
              .from_outer = whole.n * row,
              .to_outer = part.n * row};
   return {.outer = part.outer,
           .count = part.n,
           .row = row,
           .from_outer = whole.n * row,
           .from_step = step * row,
           .to_outer = part.n * row,
           .to_step = row};
}

static ScStatus forward(ScCall *c) {
   int64_t first;
   ScRows rows = rows_of(c, c->in[0], c->out[0], &first);
   return sc_move_rows(c->device, "slice", rows, sc_data<char>(c->in[0]) + first, sc_data<char>(c->out[0]));
}

static ScStatus backward(ScCall *c) {
   int64_t first;
   ScRows back = rows_of(c, c->grad_in[0], c->grad_out[0], &first), rows = back;
   rows.from_outer = back.to_outer, rows.from_step = back.to_step;
   rows.to_outer = back.from_outer, rows.to_step = back.from_step;
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   return sc_move_rows(c->device, "slice", rows, sc_data<char>(c->grad_out[0]),
                       sc_data<char>(c->grad_in[0]) + first);
}

SC_KERNEL(cuda, slice, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
