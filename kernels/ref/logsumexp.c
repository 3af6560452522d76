#include "host/ops/logsumexp.h"

#include <math.h>

#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner;
      double top = -INFINITY, total = 0;
      for (int64_t k = 0; k < a.n; k++) top = fmax(top, sc_get(x, start + k * a.inner));
      if (isinf(top)) top = 0;
      for (int64_t k = 0; k < a.n; k++) total += exp(sc_get(x, start + k * a.inner) - top);
      sc_put(c->out[0], at, top + log(total));
      if (!c->saved[0]) continue;
      sc_put(c->saved[SC_LOGSUMEXP_SHIFT], at, isinf(total) ? total : top);
      sc_put(c->saved[SC_LOGSUMEXP_TOTAL], at, total);
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t i = 0; i < a.outer * a.n * a.inner; i++) {
      int64_t at = i / (a.n * a.inner) * a.inner + i % a.inner;
      double share = exp(sc_get(x, i) - sc_get(c->saved[SC_LOGSUMEXP_SHIFT], at));
      sc_put(c->grad_in[0], i, sc_get(c->grad_out[0], at) * share / sc_get(c->saved[SC_LOGSUMEXP_TOTAL], at));
   }
   return SC_OK;
}

SC_KERNEL(ref, logsumexp, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
