#include <math.h>

#include "host/ops/softplus.h"
#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c) {
   double beta = c->attr[SC_SOFTPLUS_BETA].f, threshold = c->attr[SC_SOFTPLUS_THRESHOLD].f;
   int64_t n = sc_numel(c->out[0]);
   for (int64_t i = 0; i < n; i++) {
      double x = sc_get(c->in[0], i), z = beta * x;
      sc_put(c->out[0], i, z > threshold ? x : ((z < 0 ? 0 : z) + log1p(exp(-fabs(z)))) / beta); // NaN passes
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   double beta = c->attr[SC_SOFTPLUS_BETA].f, threshold = c->attr[SC_SOFTPLUS_THRESHOLD].f;
   int64_t n = sc_numel(c->in[0]);
   for (int64_t i = 0; i < n; i++) {
      double z = beta * sc_get(c->in[0], i);
      sc_put(c->grad_in[0], i, sc_get(c->grad_out[0], i) * (z > threshold ? 1 : 1 / (1 + exp(-z))));
   }
   return SC_OK;
}

SC_KERNEL(ref, softplus, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
