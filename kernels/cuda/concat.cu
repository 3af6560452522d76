#include "host/ops/concat.h"

#include "host/ops/axis.h"
#include "kernels/cuda/rows.cuh"

static ScStatus forward(ScCall *c) {
   int64_t dim = c->attr[SC_CONCAT_DIM].i, size = (int64_t)sc_dtype_size(c->out[0]->dtype);
   ScAxis whole = sc_axis(c->out[0], dim);
   char *to = sc_data<char>(c->out[0]);
   for (int i = 0; i < c->nin; i++) {
      ScAxis part = sc_axis(c->in[i], dim);
      int64_t block = part.n * part.inner * size;
      ScRows rows = {.outer = part.outer,
                     .count = 1,
                     .row = block,
                     .from_outer = block,
                     .to_outer = whole.n * whole.inner * size};
      SC_TRY(sc_move_rows(c->device, "concat", rows, sc_data<char>(c->in[i]), to));
      to += block;
   }
   return SC_OK;
}

SC_KERNEL(cuda, concat, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
