#include "host/ops/gather.h"

#include <string.h>

#include "host/core/op.h"
#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

// A walk through `index`: offsets in it, in the tensor of its places, and in the one whose entries are chosen,
// without the part of dimension `dim`, whose stride is returned.
typedef struct {
   ScWalk walk;
   int64_t strides[3][SC_MAXRANK], step;
} Places;

static void begin(Places *p, const ScTensor *index, const ScTensor *placed, const ScTensor *chosen,
                  int64_t dim) {
   sc_strides(index, p->strides[0]), sc_strides(placed, p->strides[1]), sc_strides(chosen, p->strides[2]);
   p->step = p->strides[2][dim];
   p->strides[2][dim] = 0;
   p->walk = (ScWalk){.rank = index->rank,
                      .n = 3,
                      .shape = index->shape,
                      .strides = {p->strides[0], p->strides[1], p->strides[2]}};
}

static int64_t chosen_at(const Places *p, const ScTensor *index) {
   return p->walk.offset[2] + (sc_whole(index)[p->walk.offset[0]] - 1) * p->step;
}

static void take(const ScTensor *y, const ScTensor *x, int64_t dim, const ScTensor *index) {
   size_t size = sc_dtype_size(x->dtype);
   Places p;
   begin(&p, index, y, x, dim);
   do {
      memcpy((char *)y->buffer->data + (size_t)p.walk.offset[1] * size,
             (const char *)x->buffer->data + (size_t)chosen_at(&p, index) * size, size);
   } while (sc_walk_next(&p.walk));
}

static int64_t whole_sum(int64_t a, int64_t b) {
   int64_t sum;
   return __builtin_add_overflow(a, b, &sum) ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

static void add(const ScTensor *y, int64_t dim, const ScTensor *index, const ScTensor *src) {
   Places p;
   begin(&p, index, src, y, dim);
   do {
      int64_t at = chosen_at(&p, index), from = p.walk.offset[1];
      if (y->dtype == SC_I64)
         sc_whole(y)[at] = whole_sum(sc_whole(y)[at], sc_whole(src)[from]);
      else
         sc_add(y, at, sc_get(src, from));
   } while (sc_walk_next(&p.walk));
}

static ScStatus gather(ScCall *c) {
   take(c->out[0], c->in[0], c->attr[SC_GATHER_DIM].i, c->in[1]);
   return SC_OK;
}

static ScStatus gather_backward(ScCall *c) {
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   add(c->grad_in[0], c->attr[SC_GATHER_DIM].i, c->in[1], c->grad_out[0]);
   return SC_OK;
}

static ScStatus scatter(ScCall *c) {
   memcpy(c->out[0]->buffer->data, c->in[SC_SCATTER_X]->buffer->data, sc_nbytes(c->out[0]));
   add(c->out[0], c->attr[SC_GATHER_DIM].i, c->in[SC_SCATTER_INDEX], c->in[SC_SCATTER_SRC]);
   return SC_OK;
}

static ScStatus scatter_backward(ScCall *c) {
   SC_TRY(sc_tensor_fill(c->grad_in[SC_SCATTER_SRC], 0));
   take(c->grad_in[SC_SCATTER_SRC], c->grad_out[0], c->attr[SC_GATHER_DIM].i, c->in[SC_SCATTER_INDEX]);
   return SC_OK;
}

SC_KERNEL(ref, gather, .dtypes = SC_ALL_DTYPES, .forward = gather, .backward = gather_backward)
SC_KERNEL(ref, scatter_add, .dtypes = SC_NUMBERS, .forward = scatter, .backward = scatter_backward)
