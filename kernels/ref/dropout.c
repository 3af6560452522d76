#include "host/ops/dropout.h"

#include "host/core/rng.h"
#include "kernels/ref/walk.h"

static ScStatus drop(const ScCall *c, const ScTensor *x, const ScTensor *y) {
   double p = c->attr[SC_DROPOUT_P].f;
   uint64_t seed = (uint64_t)c->attr[SC_DROPOUT_SEED].i, stream = (uint64_t)c->attr[SC_DROPOUT_STREAM].i;
   const int64_t *keys = sc_dropout_keys(c);
   int64_t n = sc_numel(x), each = keys ? n / x->shape[0] : n;
   for (int64_t i = 0; i < n; i++) {
      uint64_t own = keys ? sc_row_stream(keys[i / each], stream) : stream;
      sc_put(y, i, sc_uniform(seed, own, (uint64_t)(i % each)) >= p ? sc_get(x, i) / (1 - p) : 0);
   }
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return drop(c, c->in[0], c->out[0]);
}

static ScStatus backward(ScCall *c) {
   return drop(c, c->grad_out[0], c->grad_in[0]);
}

SC_KERNEL(ref, dropout, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
