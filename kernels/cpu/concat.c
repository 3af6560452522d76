#include "host/ops/concat.h"

#include <string.h>

#include "host/core/op.h"
#include "host/ops/axis.h"

static ScStatus forward(ScCall *c) {
   int64_t dim = c->attr[SC_CONCAT_DIM].i;
   ScAxis whole = sc_axis(c->out[0], dim);
   size_t size = sc_dtype_size(c->out[0]->dtype), stride = (size_t)(whole.n * whole.inner) * size;
   char *to = c->out[0]->buffer->data;
   for (int i = 0; i < c->nin; i++) {
      ScAxis part = sc_axis(c->in[i], dim);
      size_t block = (size_t)(part.n * part.inner) * size;
      const char *from = c->in[i]->buffer->data;
#pragma omp parallel for if (part.outer > 1 && block * (size_t)part.outer > 262144)
      for (int64_t o = 0; o < part.outer; o++) memcpy(to + (size_t)o * stride, from + (size_t)o * block, block);
      to += block;
   }
   return SC_OK;
}

SC_KERNEL(cpu, concat, .dtypes = SC_ALL_DTYPES, .forward = forward)
