#include "host/ops/scaler.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/ref/walk.h"

static ScStatus unscale(ScCall *c) {
   double inverse = 1 / sc_get(sc_group_at(c, SC_UNSCALE_SCALE, 0), 0);
   bool found = false;
   for (int i = 0; i < c->count[0]; i++) {
      ScTensor *g = sc_group_at(c, SC_UNSCALE_GRADS, i);
      for (int64_t at = 0, n = sc_numel(g); at < n; at++) {
         sc_put(g, at, sc_get(g, at) * inverse);
         found |= !isfinite(sc_get(g, at));
      }
   }
   sc_put(sc_group_at(c, SC_UNSCALE_FOUND_INF, 0), 0, found);
   return SC_OK;
}

static ScStatus update(ScCall *c) {
   ScTensor *scale = c->in[SC_SCALER_SCALE], *good = c->in[SC_SCALER_GOOD_STEPS],
            *skipped = c->in[SC_SCALER_SKIPPED];
   double steps = sc_get(good, 0) + 1;
   if (sc_get(c->in[SC_SCALER_FOUND_INF], 0) != 0) {
      sc_put(scale, 0, sc_get(scale, 0) * c->attr[SC_SCALER_BACKOFF].f);
      sc_put(skipped, 0, sc_get(skipped, 0) + 1);
      steps = 0;
   } else if (steps >= (double)c->attr[SC_SCALER_INTERVAL].i) {
      double before = sc_get(scale, 0);
      sc_put(scale, 0, before * c->attr[SC_SCALER_GROWTH].f);
      if (!isfinite(sc_get(scale, 0))) sc_put(scale, 0, before);
      steps = 0;
   }
   sc_put(good, 0, steps);
   return SC_OK;
}

SC_KERNEL(ref, unscale_, .dtypes = SC_FLOATS, .forward = unscale)
SC_KERNEL(ref, scale_update_, .dtypes = SC_FLOATS, .forward = update)
