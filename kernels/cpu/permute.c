#include "host/ops/permute.h"

#include "host/core/op.h"
#include "kernels/cpu/move.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t sx[SC_MAXRANK] = {0}, from[SC_MAXRANK] = {0}, to[SC_MAXRANK] = {0};
   sc_strides(x, sx), sc_strides(y, to);
   for (int i = 0; i < x->rank; i++) from[i] = sx[c->attr[SC_PERMUTE_ORDER].ints.v[i] - 1];
   sc_move(sc_dtype_size(x->dtype), y->rank, y->shape, y->buffer->data, to, x->buffer->data, from);
   return SC_OK;
}

SC_KERNEL(cpu, permute, .dtypes = SC_ALL_DTYPES, .forward = forward)
