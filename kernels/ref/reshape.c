#include <string.h>

#include "host/core/op.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t sx[SC_MAXRANK], sy[SC_MAXRANK];
   sc_strides(x, sx), sc_strides(y, sy);
   ScWalk from = {.rank = x->rank, .n = 1, .shape = x->shape, .strides = {sx}};
   ScWalk to = {.rank = y->rank, .n = 1, .shape = y->shape, .strides = {sy}};
   size_t size = sc_dtype_size(x->dtype);
   do {
      memcpy((char *)y->buffer->data + (size_t)to.offset[0] * size,
             (const char *)x->buffer->data + (size_t)from.offset[0] * size, size);
   } while (sc_walk_next(&to) && sc_walk_next(&from));
   return SC_OK;
}

SC_KERNEL(ref, reshape, .dtypes = SC_ALL_DTYPES, .forward = forward)
