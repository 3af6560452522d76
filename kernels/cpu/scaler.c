#include "host/ops/scaler.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

// Returns whether an entry is not finite: 0 times it is then NaN.
SC_CLONES static bool unscale_run(float *x, int64_t n, float inverse) {
   float zeros = 0;
#pragma omp simd reduction(+ : zeros)
   for (int64_t i = 0; i < n; i++) {
      x[i] *= inverse;
      zeros += x[i] * 0.0f;
   }
   return zeros != 0;
}

static ScStatus unscale(ScCall *c) {
   float inverse = 1 / *(const float *)sc_group_at(c, SC_UNSCALE_SCALE, 0)->buffer->data;
   int found = 0;
#pragma omp parallel reduction(| : found)
   for (int index = 0; index < c->count[0]; index++) {
      ScTensor *g = sc_group_at(c, SC_UNSCALE_GRADS, index);
      float *data = g->buffer->data;
      int64_t n = sc_numel(g);
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK)
         found |= unscale_run(data + i, n - i < BLOCK ? n - i : BLOCK, inverse);
   }
   *(float *)sc_group_at(c, SC_UNSCALE_FOUND_INF, 0)->buffer->data = (float)found;
   return SC_OK;
}

static float *number(const ScCall *c, int input) {
   return c->in[input]->buffer->data;
}

static ScStatus update(ScCall *c) {
   float *scale = number(c, SC_SCALER_SCALE), *good = number(c, SC_SCALER_GOOD_STEPS);
   if (*number(c, SC_SCALER_FOUND_INF) != 0) {
      *scale *= (float)c->attr[SC_SCALER_BACKOFF].f;
      *number(c, SC_SCALER_SKIPPED) += 1;
      *good = 0;
   } else if (++*good >= (float)c->attr[SC_SCALER_INTERVAL].i) {
      float grown = *scale * (float)c->attr[SC_SCALER_GROWTH].f;
      if (isfinite(grown)) *scale = grown;
      *good = 0;
   }
   return SC_OK;
}

SC_KERNEL(cpu, unscale_, .dtypes = 1u << SC_F32, .forward = unscale)
SC_KERNEL(cpu, scale_update_, .dtypes = 1u << SC_F32, .forward = update)
