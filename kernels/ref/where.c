#include "host/ops/broadcast.h"

#include <string.h>

#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   int64_t strides[4][SC_MAXRANK];
   for (int i = 0; i < 3; i++) sc_broadcast_strides(c->in[i], y, strides[i]);
   sc_strides(y, strides[3]);
   ScWalk w = {
       .rank = y->rank, .n = 4, .shape = y->shape, .strides = {strides[0], strides[1], strides[2], strides[3]}};
   const uint8_t *condition = c->in[0]->buffer->data;
   size_t size = sc_dtype_size(y->dtype);
   do {
      int from = condition[w.offset[0]] ? 1 : 2;
      memcpy((char *)y->buffer->data + (size_t)w.offset[3] * size,
             (const char *)c->in[from]->buffer->data + (size_t)w.offset[from] * size, size);
   } while (sc_walk_next(&w));
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   int64_t strides[4][SC_MAXRANK];
   for (int i = 0; i < 3; i++) sc_broadcast_strides(c->in[i], g, strides[i]);
   sc_strides(g, strides[3]);
   for (int i = 1; i < 3; i++)
      if (c->grad_in[i]) SC_TRY(sc_tensor_fill(c->grad_in[i], 0));
   ScWalk w = {
       .rank = g->rank, .n = 4, .shape = g->shape, .strides = {strides[0], strides[1], strides[2], strides[3]}};
   const uint8_t *condition = c->in[0]->buffer->data;
   do {
      int to = condition[w.offset[0]] ? 1 : 2;
      if (c->grad_in[to]) sc_add(c->grad_in[to], w.offset[to], sc_get(g, w.offset[3]));
   } while (sc_walk_next(&w));
   return SC_OK;
}

SC_KERNEL(ref, where, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
