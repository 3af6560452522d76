#include "host/ops/adamw.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/ref/walk.h"

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_ADAMW_FOUND_INF)) return SC_OK;
   double lr = c->attr[SC_ADAMW_LR].f, decay = c->attr[SC_ADAMW_WEIGHT_DECAY].f, eps = c->attr[SC_ADAMW_EPS].f;
   double beta1 = c->attr[SC_ADAMW_BETA1].f, beta2 = c->attr[SC_ADAMW_BETA2].f,
          t = (double)c->attr[SC_ADAMW_STEP].i;
   double correct1 = 1 - pow(beta1, t), correct2 = 1 - pow(beta2, t);
   bool decoupled = c->attr[SC_ADAMW_DECOUPLED].i;
   for (int i = 0; i < c->count[0]; i++) {
      ScTensor *p = sc_group_at(c, SC_ADAMW_PARAMS, i), *g = sc_group_at(c, SC_ADAMW_GRADS, i);
      ScTensor *m = sc_group_at(c, SC_ADAMW_EXP_AVG, i), *v = sc_group_at(c, SC_ADAMW_EXP_AVG_SQ, i);
      int64_t n = sc_numel(p);
      for (int64_t at = 0; at < n; at++) {
         double vp = sc_get(p, at), vg = sc_get(g, at) + (decoupled ? 0 : decay * vp);
         double vm = beta1 * sc_get(m, at) + (1 - beta1) * vg,
                vv = beta2 * sc_get(v, at) + (1 - beta2) * vg * vg;
         if (decoupled) vp -= lr * decay * vp;
         sc_put(p, at, vp - lr / correct1 * vm / (sqrt(vv / correct2) + eps));
         sc_put(m, at, vm);
         sc_put(v, at, vv);
      }
   }
   return SC_OK;
}

SC_KERNEL(ref, adamw_step, .dtypes = SC_FLOATS, .forward = step)
