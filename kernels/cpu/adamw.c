#include "host/ops/adamw.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

typedef struct {
   float beta1, beta2, fresh1, fresh2, eps;
   float rate;  // lr / (1 - beta1^step)
   float root;  // 1 / sqrt(1 - beta2^step)
   float keep;  // what decoupled decay leaves of a parameter
   float decay; // what of a parameter is added to its gradient otherwise
} Settings;

static Settings settings_of(const ScCall *c) {
   double lr = c->attr[SC_ADAMW_LR].f, beta1 = c->attr[SC_ADAMW_BETA1].f, beta2 = c->attr[SC_ADAMW_BETA2].f;
   double decay = c->attr[SC_ADAMW_WEIGHT_DECAY].f, step = (double)c->attr[SC_ADAMW_STEP].i;
   bool decoupled = c->attr[SC_ADAMW_DECOUPLED].i;
   return (Settings){.beta1 = (float)beta1,
                     .beta2 = (float)beta2,
                     .fresh1 = (float)(1 - beta1),
                     .fresh2 = (float)(1 - beta2),
                     .eps = (float)c->attr[SC_ADAMW_EPS].f,
                     .rate = (float)(lr / (1 - pow(beta1, step))),
                     .root = (float)(1 / sqrt(1 - pow(beta2, step))),
                     .keep = decoupled ? (float)(1 - lr * decay) : 1,
                     .decay = decoupled ? 0 : (float)decay};
}

SC_CLONES static void update_run(float *restrict p, const float *g, float *restrict m, float *restrict v,
                                 int64_t n, Settings s) {
   for (int64_t i = 0; i < n; i++) {
      float gradient = g[i] + s.decay * p[i];
      m[i] = s.beta1 * m[i] + s.fresh1 * gradient;
      v[i] = s.beta2 * v[i] + s.fresh2 * gradient * gradient;
      p[i] = s.keep * p[i] - s.rate * m[i] / (sqrtf(v[i]) * s.root + s.eps);
   }
}

static float *data_of(const ScCall *c, int list, int index, int64_t from) {
   return (float *)sc_group_at(c, list, index)->buffer->data + from;
}

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_ADAMW_FOUND_INF)) return SC_OK;
   Settings s = settings_of(c);
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(sc_group_at(c, SC_ADAMW_PARAMS, index));
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK)
         update_run(data_of(c, SC_ADAMW_PARAMS, index, i), data_of(c, SC_ADAMW_GRADS, index, i),
                    data_of(c, SC_ADAMW_EXP_AVG, index, i), data_of(c, SC_ADAMW_EXP_AVG_SQ, index, i),
                    n - i < BLOCK ? n - i : BLOCK, s);
   }
   return SC_OK;
}

SC_KERNEL(cpu, adamw_step, .dtypes = 1u << SC_F32, .forward = step)
