#include "host/ops/stack.h"

#include <string.h>

#include "host/core/op.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   int64_t dim = c->attr[SC_STACK_DIM].i, whole[SC_MAXRANK], from[SC_MAXRANK], to[SC_MAXRANK];
   size_t size = sc_dtype_size(y->dtype);
   sc_strides(y, whole);
   for (int d = 0; d < y->rank - 1; d++) to[d] = whole[d < dim ? d : d + 1];
   for (int i = 0; i < c->nin; i++) {
      const ScTensor *x = c->in[i];
      sc_strides(x, from);
      char *start = (char *)y->buffer->data + (size_t)(i * whole[dim]) * size;
      ScWalk w = {.rank = x->rank, .n = 2, .shape = x->shape, .strides = {from, to}};
      do {
         memcpy(start + (size_t)w.offset[1] * size, (const char *)x->buffer->data + (size_t)w.offset[0] * size,
                size);
      } while (sc_walk_next(&w));
   }
   return SC_OK;
}

SC_KERNEL(ref, stack, .dtypes = SC_ALL_DTYPES, .forward = forward)
