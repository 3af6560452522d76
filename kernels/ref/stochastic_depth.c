#include "host/ops/stochastic_depth.h"

#include "kernels/ref/walk.h"

static ScStatus scale_rows(const ScCall *c, const ScTensor *x, const ScTensor *residual, const ScTensor *y) {
   int64_t n = sc_numel(x), each = n / x->shape[0];
   for (int64_t i = 0; i < n; i++) {
      double scale = sc_depth_scale(c, i / each), kept = scale == 0 ? 0 : scale * sc_get(x, i);
      sc_put(y, i, residual ? kept + sc_get(residual, i) : kept);
   }
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return scale_rows(c, c->in[SC_DEPTH_X], c->in[SC_DEPTH_RESIDUAL], c->out[0]);
}

static ScStatus backward(ScCall *c) {
   return scale_rows(c, c->grad_out[0], NULL, c->grad_in[SC_DEPTH_X]);
}

SC_KERNEL(ref, stochastic_depth, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
