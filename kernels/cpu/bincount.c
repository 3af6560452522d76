// How often each class is there. One thread: sums have one order, and counting is as fast as reading.
#include "host/ops/bincount.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/op.h"

static int64_t class_at(const void *x, int64_t i, bool bytes) {
   return bytes ? ((const uint8_t *)x)[i] : ((const int64_t *)x)[i];
}

static void count(int64_t *counts, const void *x, int64_t n, bool bytes) {
   for (int64_t i = 0; i < n; i++) counts[class_at(x, i, bytes) - 1]++;
}

static ScStatus add_weights(ScCall *c, const void *x, bool bytes) {
   int64_t n = sc_numel(c->in[0]), classes = sc_numel(c->out[0]);
   const float *weights = c->in[1]->buffer->data;
   double *sums = calloc((size_t)classes, sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t i = 0; i < n; i++) sums[class_at(x, i, bytes) - 1] += weights[i];
   for (int64_t k = 0; k < classes; k++) ((float *)c->out[0]->buffer->data)[k] = (float)sums[k];
   free(sums);
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   const void *x = c->in[0]->buffer->data;
   bool bytes = c->in[0]->dtype == SC_U8;
   if (c->in[1]) return c->in[1]->dtype == SC_F32 ? add_weights(c, x, bytes) : SC_EUNSUPPORTED;
   memset(c->out[0]->buffer->data, 0, sc_nbytes(c->out[0]));
   if (bytes)
      count(c->out[0]->buffer->data, x, sc_numel(c->in[0]), true);
   else
      count(c->out[0]->buffer->data, x, sc_numel(c->in[0]), false);
   return SC_OK;
}

SC_KERNEL(cpu, bincount, .dtypes = 1u << SC_I64 | 1u << SC_U8, .forward = forward)
