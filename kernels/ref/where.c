#include "host/ops/broadcast.h"

#include <string.h>

#include "kernels/ref/view.h"
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
   ScView sums[] = {SC_WRITE(c->grad_in[1]),
                    SC_WRITE(c->grad_in[2])}; // a stretched operand collects many terms
   SC_TRY(sc_views_open(sums, 2));
   ScWalk w = {
       .rank = g->rank, .n = 4, .shape = g->shape, .strides = {strides[0], strides[1], strides[2], strides[3]}};
   const uint8_t *condition = c->in[0]->buffer->data;
   do {
      int to = condition[w.offset[0]] ? 1 : 2;
      if (sums[to - 1].v) sums[to - 1].v[w.offset[to]] += sc_get(g, w.offset[3]);
   } while (sc_walk_next(&w));
   sc_views_close(sums, 2);
   return SC_OK;
}

SC_KERNEL(ref, where, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
