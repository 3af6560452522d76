#include "host/ops/stack.h"

#include "host/core/op.h"
#include "kernels/cpu/move.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   int64_t dim = c->attr[SC_STACK_DIM].i, whole[SC_MAXRANK] = {0}, to[SC_MAXRANK] = {0};
   size_t size = sc_dtype_size(y->dtype);
   sc_strides(y, whole);
   for (int d = 0; d < y->rank - 1; d++) to[d] = whole[d < dim ? d : d + 1];
   for (int i = 0; i < c->nin; i++) {
      const ScTensor *x = c->in[i];
      int64_t from[SC_MAXRANK] = {0};
      sc_strides(x, from);
      char *start = (char *)y->buffer->data + (size_t)(i * whole[dim]) * size;
      sc_move(size, x->rank, x->shape, start, to, x->buffer->data, from);
   }
   return SC_OK;
}

SC_KERNEL(cpu, stack, .dtypes = SC_ALL_DTYPES, .forward = forward)
