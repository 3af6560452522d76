#include "host/ops/index_select.h"

#include <string.h>

#include "host/core/op.h"
#include "host/core/transfer.h"
#include "host/ops/axis.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   ScAxis from = sc_axis(c->in[0], c->attr[SC_INDEX_SELECT_DIM].i),
          to = sc_axis(c->out[0], c->attr[SC_INDEX_SELECT_DIM].i);
   const int64_t *index = c->in[1]->buffer->data;
   size_t row = (size_t)to.inner * sc_dtype_size(c->out[0]->dtype);
   const char *x = c->in[0]->buffer->data;
   char *y = c->out[0]->buffer->data;
   for (int64_t o = 0; o < to.outer; o++)
      for (int64_t k = 0; k < to.n; k++)
         memcpy(y + (size_t)(o * to.n + k) * row, x + (size_t)(o * from.n + index[k] - 1) * row, row);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScTensor *dx = c->grad_in[0];
   const ScTensor *g = c->grad_out[0];
   ScAxis from = sc_axis(dx, c->attr[SC_INDEX_SELECT_DIM].i), to = sc_axis(g, c->attr[SC_INDEX_SELECT_DIM].i);
   const int64_t *index = c->in[1]->buffer->data;
   SC_TRY(sc_tensor_fill(dx, 0));
   for (int64_t o = 0; o < to.outer; o++)
      for (int64_t k = 0; k < to.n; k++)
         for (int64_t i = 0; i < to.inner; i++)
            sc_add(dx, (o * from.n + index[k] - 1) * from.inner + i, sc_get(g, (o * to.n + k) * to.inner + i));
   return SC_OK;
}

SC_KERNEL(ref, index_select, .dtypes = SC_NUMBERS, .forward = forward, .backward = backward)
