#include "host/ops/slice.h"

#include <string.h>

#include "host/core/op.h"
#include "kernels/cpu/move.h"

static void *range_start(const ScCall *c, const ScTensor *large, const int64_t *strides) {
   int64_t first = (c->attr[SC_SLICE_FROM].i - 1) * strides[c->attr[SC_SLICE_DIM].i];
   return (char *)large->buffer->data + (size_t)first * sc_dtype_size(large->dtype);
}

static void transfer(const ScCall *c, const ScTensor *large, const ScTensor *small, bool to_small) {
   int64_t in_large[SC_MAXRANK] = {0}, in_small[SC_MAXRANK] = {0};
   sc_strides(large, in_large), sc_strides(small, in_small);
   void *start = range_start(c, large, in_large);
   in_large[c->attr[SC_SLICE_DIM].i] *= c->attr[SC_SLICE_STEP].i;
   size_t size = sc_dtype_size(large->dtype);
   if (to_small)
      sc_move(size, small->rank, small->shape, small->buffer->data, in_small, start, in_large);
   else
      sc_move(size, small->rank, small->shape, start, in_large, small->buffer->data, in_small);
}

static ScStatus forward(ScCall *c) {
   transfer(c, c->in[0], c->out[0], true);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   memset(c->grad_in[0]->buffer->data, 0, sc_nbytes(c->grad_in[0]));
   transfer(c, c->grad_in[0], c->grad_out[0], false);
   return SC_OK;
}

SC_KERNEL(cpu, slice, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
