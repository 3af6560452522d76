#include "host/ops/gradients.h"

#include <math.h>

#include "host/ops/group.h"
#include "kernels/ref/walk.h"

static ScStatus norm(ScCall *c) {
   double sum = 0;
   for (int i = 0; i < c->count[0]; i++)
      for (int64_t at = 0, n = sc_numel(c->in[i]); at < n; at++) {
         double value = sc_get(c->in[i], at);
         sum += value * value;
      }
   sc_put(c->out[0], 0, sqrt(sum));
   return SC_OK;
}

static void multiply(ScCall *c, double factor) {
   for (int i = 0; i < c->count[0]; i++)
      for (int64_t at = 0, n = sc_numel(c->in[i]); at < n; at++)
         sc_put(c->in[i], at, sc_get(c->in[i], at) * factor);
}

static ScStatus scale(ScCall *c) {
   multiply(c, c->attr[0].f);
   return SC_OK;
}

static ScStatus clip(ScCall *c) {
   double factor = c->attr[0].f / (sc_get(sc_group_at(c, SC_CLIP_NORM, 0), 0) + SC_CLIP_EPS);
   if (factor < 1) multiply(c, factor);
   return SC_OK;
}

static ScStatus clamp(ScCall *c) {
   double limit = c->attr[0].f;
   for (int i = 0; i < c->count[0]; i++)
      for (int64_t at = 0, n = sc_numel(c->in[i]); at < n; at++) {
         double value = sc_get(c->in[i], at);
         sc_put(c->in[i], at, value > limit ? limit : value < -limit ? -limit : value);
      }
   return SC_OK;
}

static ScStatus average(ScCall *c) {
   if (sc_group_is_skipped(c, SC_AVERAGE_FOUND_INF)) return SC_OK;
   for (int i = 0; i < c->count[0]; i++) {
      ScTensor *a = sc_group_at(c, SC_AVERAGE_AVERAGES, i), *v = sc_group_at(c, SC_AVERAGE_VALUES, i);
      for (int64_t at = 0, n = sc_numel(a); at < n; at++)
         sc_put(a, at, sc_get(a, at) + (1 - c->attr[0].f) * (sc_get(v, at) - sc_get(a, at)));
   }
   return SC_OK;
}

SC_KERNEL(ref, list_norm, .dtypes = SC_FLOATS, .forward = norm)
SC_KERNEL(ref, list_scale, .dtypes = SC_FLOATS, .forward = scale)
SC_KERNEL(ref, list_clip, .dtypes = SC_FLOATS, .forward = clip)
SC_KERNEL(ref, list_clamp, .dtypes = SC_FLOATS, .forward = clamp)
SC_KERNEL(ref, average_step, .dtypes = SC_FLOATS, .forward = average)
