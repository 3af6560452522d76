#include "host/ops/sgd.h"

#include "host/ops/group.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

typedef struct {
   float lr, momentum, decay, fresh; // fresh: share of the gradient that enters the buffer
   float stay;                       // share of the buffer that stays: 0 in the first step
   bool nesterov;
} Settings;

static Settings settings_of(const ScCall *c) {
   bool first = c->attr[SC_SGD_FIRST].i;
   return (Settings){.lr = (float)c->attr[SC_SGD_LR].f,
                     .momentum = (float)c->attr[SC_SGD_MOMENTUM].f,
                     .decay = (float)c->attr[SC_SGD_WEIGHT_DECAY].f,
                     .fresh = first ? 1 : (float)(1 - c->attr[SC_SGD_DAMPENING].f),
                     .stay = first ? 0 : (float)c->attr[SC_SGD_MOMENTUM].f,
                     .nesterov = c->attr[SC_SGD_NESTEROV].i};
}

SC_CLONES static void plain(float *restrict p, const float *g, int64_t n, Settings s) {
   for (int64_t i = 0; i < n; i++) p[i] -= s.lr * (g[i] + s.decay * p[i]);
}

SC_CLONES static void with_momentum(float *restrict p, const float *g, float *restrict v, int64_t n,
                                    Settings s) {
   for (int64_t i = 0; i < n; i++) {
      float gradient = g[i] + s.decay * p[i];
      v[i] = s.stay * v[i] + s.fresh * gradient;
      p[i] -= s.lr * (s.nesterov ? gradient + s.momentum * v[i] : v[i]);
   }
}

static void update(const ScCall *c, int index, int64_t from, int64_t n, Settings s) {
   float *p = (float *)sc_group_at(c, SC_SGD_PARAMS, index)->buffer->data + from;
   const float *g = (const float *)sc_group_at(c, SC_SGD_GRADS, index)->buffer->data + from;
   if (s.momentum == 0)
      plain(p, g, n, s);
   else
      with_momentum(p, g, (float *)sc_group_at(c, SC_SGD_MOMENTA, index)->buffer->data + from, n, s);
}

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_SGD_FOUND_INF)) return SC_OK;
   Settings s = settings_of(c);
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(sc_group_at(c, SC_SGD_PARAMS, index));
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK) update(c, index, i, n - i < BLOCK ? n - i : BLOCK, s);
   }
   return SC_OK;
}

SC_KERNEL(cpu, sgd_step, .dtypes = 1u << SC_F32, .forward = step)
