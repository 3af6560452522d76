#include "host/ops/clamp.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   double min = c->attr[SC_CLAMP_MIN].f, max = c->attr[SC_CLAMP_MAX].f;
   int64_t least = sc_clamp_whole_min(min), most = sc_clamp_whole_max(max), n = sc_numel(y);
   for (int64_t i = 0; i < n; i++) {
      if (y->dtype == SC_I64) {
         int64_t v = sc_whole(x)[i];
         sc_whole(y)[i] = v < least ? least : v > most ? most : v;
      } else if (y->dtype == SC_U8) {
         int64_t v = (int64_t)sc_get(x, i);
         sc_put(y, i, (double)(v < least ? least : v > most ? most : v));
      } else {
         double v = sc_get(x, i);
         sc_put(y, i, v < min ? min : v > max ? max : v);
      }
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0], *g = c->grad_out[0];
   double min = sc_clamp_bound(c, SC_CLAMP_MIN), max = sc_clamp_bound(c, SC_CLAMP_MAX);
   int64_t n = sc_numel(g);
   for (int64_t i = 0; i < n; i++) {
      double v = sc_get(x, i);
      sc_put(c->grad_in[0], i, SC_CLAMP_PASSES(v, min, max) ? sc_get(g, i) : 0);
   }
   return SC_OK;
}

SC_KERNEL(ref, clamp, .dtypes = SC_NUMBERS, .forward = forward, .backward = backward)
