#include "host/ops/permute.h"

#include "kernels/cuda/gather.cuh"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t sx[SC_MAXRANK], from[SC_MAXRANK], to[SC_MAXRANK];
   sc_strides(x, sx), sc_strides(y, to);
   for (int i = 0; i < x->rank; i++) from[i] = sx[c->attr[SC_PERMUTE_ORDER].ints.v[i] - 1];
   return sc_gather(c, x->dtype, y->rank, y->shape, to, y->buffer->data, from, x->buffer->data);
}

SC_KERNEL(cuda, permute, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
