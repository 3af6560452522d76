#include "host/ops/one_hot.h"

#include "host/core/op.h"
#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t in_x[SC_MAXRANK], in_y[SC_MAXRANK];
   SC_TRY(sc_tensor_fill(c->out[0], 0));
   sc_strides(x, in_x), sc_strides(y, in_y);
   ScWalk w = {.rank = x->rank, .n = 2, .shape = x->shape, .strides = {in_x, in_y}};
   do {
      sc_put(y, w.offset[1] + (sc_whole(x)[w.offset[0]] - 1) * in_y[x->rank], 1);
   } while (sc_walk_next(&w));
   return SC_OK;
}

SC_KERNEL(ref, one_hot, .dtypes = SC_NUMBERS, .forward = forward)
