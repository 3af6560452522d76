// flip, roll, tile, expand, pad: see host/ops/remap.h.
#include "host/ops/expand.h"
#include "host/ops/flip.h"
#include "host/ops/pad.h"
#include "host/ops/roll.h"
#include "host/ops/tile.h"

#include <string.h>

#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

// Where in x, whose strides for the dimensions of y are given, the element of y at `index` comes from; -1: from
// nowhere.
static int64_t source(const ScRemap *m, int rank, const int64_t *strides, const int64_t *index) {
   int64_t at = 0;
   for (int d = 0; d < rank; d++) {
      int64_t entry = sc_map_entry(&m->dim[d], index[d]);
      if (entry < 0) return -1;
      at += entry * strides[d];
   }
   return at;
}

static ScStatus forward(ScCall *c, ScRemap m) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t in_x[SC_MAXRANK], in_y[SC_MAXRANK];
   sc_remap_strides(x, y, in_x), sc_strides(y, in_y);
   ScWalk w = {.rank = y->rank, .n = 1, .shape = y->shape, .strides = {in_y}};
   size_t size = sc_dtype_size(x->dtype);
   do {
      int64_t from = source(&m, y->rank, in_x, w.index);
      if (from < 0)
         sc_put(y, w.offset[0], m.value);
      else
         memcpy((char *)y->buffer->data + (size_t)w.offset[0] * size,
                (const char *)x->buffer->data + (size_t)from * size, size);
   } while (sc_walk_next(&w));
   return SC_OK;
}

static ScStatus backward(ScCall *c, ScRemap m) {
   const ScTensor *g = c->grad_out[0];
   int64_t in_x[SC_MAXRANK], in_g[SC_MAXRANK];
   sc_remap_strides(c->grad_in[0], g, in_x), sc_strides(g, in_g);
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   ScWalk w = {.rank = g->rank, .n = 1, .shape = g->shape, .strides = {in_g}};
   do {
      int64_t from = source(&m, g->rank, in_x, w.index);
      if (from >= 0) sc_add(c->grad_in[0], from, sc_get(g, w.offset[0]));
   } while (sc_walk_next(&w));
   return SC_OK;
}

#define REMAP(name)                                                                                            \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, sc_##name##_map(c));                                                                   \
   }                                                                                                           \
   SC_KERNEL(ref, name, .dtypes = SC_ALL_DTYPES, .forward = forward_##name)

REMAP(flip)
REMAP(roll)
REMAP(tile)
REMAP(expand)
SC_KERNEL_OF(ref, pad, SC_ALL_DTYPES, forward(c, sc_pad_map(c)), backward(c, sc_pad_map(c)))
