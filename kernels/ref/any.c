#include "host/ops/reduction.h"

#include "kernels/ref/walk.h"

// any: whether one is true; all: whether none is false.
static ScStatus find(ScCall *c, bool wanted) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner, k = 0;
      while (k < a.n && (sc_get(x, start + k * a.inner) != 0) != wanted) k++;
      sc_put(c->out[0], at, (k < a.n) == wanted);
   }
   return SC_OK;
}

static ScStatus forward_any(ScCall *c) {
   return find(c, true);
}
static ScStatus forward_all(ScCall *c) {
   return find(c, false);
}

SC_KERNEL(ref, any, .dtypes = SC_NUMBERS, .forward = forward_any)
SC_KERNEL(ref, all, .dtypes = SC_NUMBERS, .forward = forward_all)
