#include "host/ops/rmsprop.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/ref/walk.h"

static void step_one(const ScCall *c, int i, int64_t at) {
   ScTensor *p = sc_group_at(c, SC_RMSPROP_PARAMS, i), *v = sc_group_at(c, SC_RMSPROP_SQUARE, i);
   ScTensor *b = sc_group_at(c, SC_RMSPROP_MOMENTA, i), *m = sc_group_at(c, SC_RMSPROP_MEANS, i);
   double alpha = c->attr[SC_RMSPROP_ALPHA].f, momentum = c->attr[SC_RMSPROP_MOMENTUM].f;
   double g =
       sc_get(sc_group_at(c, SC_RMSPROP_GRADS, i), at) + c->attr[SC_RMSPROP_WEIGHT_DECAY].f * sc_get(p, at);
   double square = alpha * sc_get(v, at) + (1 - alpha) * g * g, spread = square;
   sc_put(v, at, square);
   if (m) {
      double mean = alpha * sc_get(m, at) + (1 - alpha) * g;
      sc_put(m, at, mean);
      spread = square - mean * mean;
   }
   double move = g / (sqrt(spread) + c->attr[SC_RMSPROP_EPS].f);
   if (momentum != 0) {
      move += momentum * sc_get(b, at);
      sc_put(b, at, move);
   }
   sc_put(p, at, sc_get(p, at) - c->attr[SC_RMSPROP_LR].f * move);
}

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_RMSPROP_FOUND_INF)) return SC_OK;
   for (int i = 0; i < c->count[0]; i++)
      for (int64_t at = 0, n = sc_numel(sc_group_at(c, 0, i)); at < n; at++) step_one(c, i, at);
   return SC_OK;
}

SC_KERNEL(ref, rmsprop_step, .dtypes = SC_FLOATS, .forward = step)
