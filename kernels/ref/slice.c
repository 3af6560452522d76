#include "host/ops/slice.h"

#include <string.h>

#include "host/core/op.h"
#include "host/core/transfer.h"
#include "host/ops/axis.h"

// Copies between the range of the large tensor and the small one.
static void transfer(const ScCall *c, const ScTensor *large, const ScTensor *small, bool to_small) {
   ScAxis from = sc_axis(large, c->attr[SC_SLICE_DIM].i), to = sc_axis(small, c->attr[SC_SLICE_DIM].i);
   size_t row = (size_t)to.inner * sc_dtype_size(large->dtype);
   char *a = large->buffer->data, *b = small->buffer->data;
   for (int64_t o = 0; o < to.outer; o++)
      for (int64_t k = 0; k < to.n; k++) {
         int64_t index = c->attr[SC_SLICE_FROM].i - 1 + k * c->attr[SC_SLICE_STEP].i;
         char *in_large = a + (size_t)(o * from.n + index) * row, *in_small = b + (size_t)(o * to.n + k) * row;
         memcpy(to_small ? in_small : in_large, to_small ? in_large : in_small, row);
      }
}

static ScStatus forward(ScCall *c) {
   transfer(c, c->in[0], c->out[0], true);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   transfer(c, c->grad_in[0], c->grad_out[0], false);
   return SC_OK;
}

SC_KERNEL(ref, slice, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
