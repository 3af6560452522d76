#include "host/ops/index_select.h"

#include <string.h>

#include "host/core/op.h"
#include "host/ops/axis.h"

static ScStatus forward(ScCall *c) {
   int64_t dim = c->attr[SC_INDEX_SELECT_DIM].i;
   ScAxis from = sc_axis(c->in[0], dim), to = sc_axis(c->out[0], dim);
   const int64_t *index = c->in[1]->buffer->data;
   size_t row = (size_t)to.inner * sc_dtype_size(c->out[0]->dtype);
   const char *x = c->in[0]->buffer->data;
   char *y = c->out[0]->buffer->data;
#pragma omp parallel for if (sc_nbytes(c->out[0]) > 262144)
   for (int64_t at = 0; at < to.outer * to.n; at++)
      memcpy(y + (size_t)at * row, x + (size_t)(at / to.n * from.n + index[at % to.n] - 1) * row, row);
   return SC_OK;
}

// Rows that were taken more than once add up, so that the order is fixed and only `outer` is shared among
// threads.
static ScStatus backward(ScCall *c) {
   if (c->grad_in[0]->dtype != SC_F32) return SC_EUNSUPPORTED;
   int64_t dim = c->attr[SC_INDEX_SELECT_DIM].i;
   ScAxis from = sc_axis(c->grad_in[0], dim), to = sc_axis(c->grad_out[0], dim);
   const int64_t *index = c->in[1]->buffer->data;
   const float *g = c->grad_out[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
   memset(dx, 0, sc_nbytes(c->grad_in[0]));
#pragma omp parallel for if (to.outer > 1 && sc_nbytes(c->grad_out[0]) > 262144)
   for (int64_t o = 0; o < to.outer; o++)
      for (int64_t k = 0; k < to.n; k++)
         for (int64_t i = 0; i < to.inner; i++)
            dx[(o * from.n + index[k] - 1) * from.inner + i] += g[(o * to.n + k) * to.inner + i];
   return SC_OK;
}

SC_KERNEL(cpu, index_select, .dtypes = SC_NUMBERS, .forward = forward, .backward = backward)
