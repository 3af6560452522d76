#include "host/ops/bincount.h"

#include <stdlib.h>

#include "host/core/op.h"
#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

static int64_t class_at(const ScTensor *x, int64_t i) {
   return x->dtype == SC_I64 ? sc_whole(x)[i] : (int64_t)sc_get(x, i);
}

static ScStatus add_weights(ScCall *c) {
   int64_t n = sc_numel(c->in[0]), classes = sc_numel(c->out[0]);
   double *sums = calloc((size_t)classes, sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t i = 0; i < n; i++) sums[class_at(c->in[0], i) - 1] += sc_get(c->in[1], i);
   for (int64_t k = 0; k < classes; k++) sc_put(c->out[0], k, sums[k]);
   free(sums);
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   if (c->in[1]) return add_weights(c);
   SC_TRY(sc_tensor_fill(c->out[0], 0));
   for (int64_t i = 0, n = sc_numel(c->in[0]); i < n; i++) sc_whole(c->out[0])[class_at(c->in[0], i) - 1]++;
   return SC_OK;
}

SC_KERNEL(ref, bincount, .dtypes = 1u << SC_I64 | 1u << SC_U8, .forward = forward)
