#include "host/ops/sgd.h"

#include "host/ops/group.h"
#include "kernels/ref/walk.h"

static double with_momentum(const ScCall *c, ScTensor *v, int64_t at, double g) {
   double momentum = c->attr[SC_SGD_MOMENTUM].f, fresh = (1 - c->attr[SC_SGD_DAMPENING].f) * g;
   double buffer = c->attr[SC_SGD_FIRST].i ? g : momentum * sc_get(v, at) + fresh;
   sc_put(v, at, buffer);
   return c->attr[SC_SGD_NESTEROV].i ? g + momentum * buffer : buffer;
}

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_SGD_FOUND_INF)) return SC_OK;
   for (int i = 0; i < c->count[0]; i++) {
      ScTensor *p = sc_group_at(c, SC_SGD_PARAMS, i), *v = sc_group_at(c, SC_SGD_MOMENTA, i);
      int64_t n = sc_numel(p);
      for (int64_t at = 0; at < n; at++) {
         double g =
             sc_get(sc_group_at(c, SC_SGD_GRADS, i), at) + c->attr[SC_SGD_WEIGHT_DECAY].f * sc_get(p, at);
         if (c->attr[SC_SGD_MOMENTUM].f != 0) g = with_momentum(c, v, at, g);
         sc_put(p, at, sc_get(p, at) - c->attr[SC_SGD_LR].f * g);
      }
   }
   return SC_OK;
}

SC_KERNEL(ref, sgd_step, .dtypes = SC_FLOATS, .forward = step)
