#include "host/ops/rmsprop.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

typedef struct {
   float lr, alpha, fresh, eps, momentum, decay;
} Settings;

static float *data_of(const ScCall *c, int list, int index, int64_t from) {
   ScTensor *t = sc_group_at(c, list, index);
   return t ? (float *)t->buffer->data + from : NULL;
}

// The move of a block, into `move` (which may be the momentum buffer); v and m are brought up to date.
SC_CLONES static void directions(float *restrict move, const float *p, const float *g, float *restrict v,
                                 float *restrict m, int64_t n, Settings s) {
   for (int64_t i = 0; i < n; i++) {
      float gradient = g[i] + s.decay * p[i];
      v[i] = s.alpha * v[i] + s.fresh * gradient * gradient;
      float spread = v[i];
      if (m) {
         m[i] = s.alpha * m[i] + s.fresh * gradient;
         spread -= m[i] * m[i];
      }
      float u = gradient / (sqrtf(spread) + s.eps);
      move[i] = s.momentum != 0 ? s.momentum * move[i] + u : u;
   }
}

SC_CLONES static void apply(float *restrict p, const float *move, int64_t n, float lr) {
   for (int64_t i = 0; i < n; i++) p[i] -= lr * move[i];
}

static void update(const ScCall *c, int index, int64_t from, int64_t n, Settings s) {
   enum { PART = 1024 };
   float own[PART] = {0};
   float *p = data_of(c, SC_RMSPROP_PARAMS, index, from), *g = data_of(c, SC_RMSPROP_GRADS, index, from);
   float *v = data_of(c, SC_RMSPROP_SQUARE, index, from), *m = data_of(c, SC_RMSPROP_MEANS, index, from);
   float *b = s.momentum != 0 ? data_of(c, SC_RMSPROP_MOMENTA, index, from) : NULL;
   for (int64_t i = 0; i < n; i += PART) {
      int64_t part = n - i < PART ? n - i : PART;
      float *move = b ? b + i : own;
      directions(move, p + i, g + i, v + i, m ? m + i : NULL, part, s);
      apply(p + i, move, part, s.lr);
   }
}

static ScStatus step(ScCall *c) {
   if (sc_group_is_skipped(c, SC_RMSPROP_FOUND_INF)) return SC_OK;
   double alpha = c->attr[SC_RMSPROP_ALPHA].f;
   Settings s = {.lr = (float)c->attr[SC_RMSPROP_LR].f,
                 .alpha = (float)alpha,
                 .fresh = (float)(1 - alpha),
                 .eps = (float)c->attr[SC_RMSPROP_EPS].f,
                 .momentum = (float)c->attr[SC_RMSPROP_MOMENTUM].f,
                 .decay = (float)c->attr[SC_RMSPROP_WEIGHT_DECAY].f};
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(sc_group_at(c, SC_RMSPROP_PARAMS, index));
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK) update(c, index, i, n - i < BLOCK ? n - i : BLOCK, s);
   }
   return SC_OK;
}

SC_KERNEL(cpu, rmsprop_step, .dtypes = 1u << SC_F32, .forward = step)
