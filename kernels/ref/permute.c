#include <string.h>

#include "host/core/op.h"
#include "host/ops/permute.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t sx[SC_MAXRANK], from[SC_MAXRANK], to[SC_MAXRANK];
   sc_strides(x, sx), sc_strides(y, to);
   for (int i = 0; i < x->rank; i++) from[i] = sx[c->attr[SC_PERMUTE_ORDER].ints.v[i] - 1];
   ScWalk w = {.rank = y->rank, .n = 2, .shape = y->shape, .strides = {from, to}};
   size_t size = sc_dtype_size(x->dtype);
   do {
      memcpy((char *)y->buffer->data + (size_t)w.offset[1] * size,
             (const char *)x->buffer->data + (size_t)w.offset[0] * size, size);
   } while (sc_walk_next(&w));
   return SC_OK;
}

SC_KERNEL(ref, permute, .dtypes = SC_ALL_DTYPES, .forward = forward)
