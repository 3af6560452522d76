#include "host/ops/gem_pool2d.h"

#include <math.h>

#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

static double raised(const ScTensor *x, int64_t at, double eps) {
   double v = sc_get(x, at);
   return v < eps ? eps : v;
}

static double most(const ScTensor *x, const ScGem *g, int64_t first, double p) {
   double found = raised(x, first, g->eps);
   for (int64_t i = 1; i < g->pixels && found == found; i++) {
      double v = raised(x, first + i * g->channels, g->eps);
      if (v != v || (p < 0 ? v < found : v > found)) found = v;
   }
   return found;
}

static double power(double v, double most, double p) {
   return v == most ? 1 : pow(v / most, p);
}

static double p_of(const ScCall *c, const ScGem *g, int64_t channel) {
   return sc_get(c->in[SC_GEM_P], g->each ? channel : 0);
}

static void save(const ScCall *c, const ScGem *g, int64_t k, int stat, double value) {
   if (c->saved[0]) sc_put(c->saved[0], stat * g->n * g->channels + k, value);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[SC_GEM_X];
   ScGem g = sc_gem_sizes(c);
   for (int64_t k = 0; k < g.n * g.channels; k++) {
      int64_t first = k / g.channels * g.pixels * g.channels + k % g.channels;
      double p = p_of(c, &g, k % g.channels), top = most(x, &g, first, p), sum = 0, moment = 0;
      for (int64_t i = 0; i < g.pixels; i++) {
         double v = raised(x, first + i * g.channels, g.eps), e = power(v, top, p);
         sum += e;
         if (e != 0) moment += v == top ? 0 : e * log(v / top);
      }
      double mean = sum / (double)g.pixels, y = top * exp(log(mean) / p);
      sc_put(c->out[0], k, y);
      save(c, &g, k, SC_GEM_MOST, top);
      save(c, &g, k, SC_GEM_SHARE, y / sum);
      save(c, &g, k, SC_GEM_SLOPE, y * (moment / sum / p - log(mean) / (p * p)));
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[SC_GEM_X], *gy = c->grad_out[0], *stats = c->saved[0];
   ScTensor *gx = c->grad_in[SC_GEM_X], *gp = c->grad_in[SC_GEM_P];
   ScGem g = sc_gem_sizes(c);
   int64_t count = g.n * g.channels;
   if (gp) SC_TRY(sc_tensor_fill(gp, 0));
   for (int64_t k = 0; k < count; k++) {
      int64_t first = k / g.channels * g.pixels * g.channels + k % g.channels;
      double p = p_of(c, &g, k % g.channels), top = sc_get(stats, SC_GEM_MOST * count + k);
      double share = sc_get(gy, k) * sc_get(stats, SC_GEM_SHARE * count + k);
      for (int64_t i = 0; gx && i < g.pixels; i++) {
         int64_t at = first + i * g.channels;
         double v = raised(x, at, g.eps);
         sc_put(gx, at, sc_get(x, at) < g.eps ? 0 : share * power(v, top, p) / v);
      }
      if (gp) sc_add(gp, g.each ? k % g.channels : 0, sc_get(gy, k) * sc_get(stats, SC_GEM_SLOPE * count + k));
   }
   return SC_OK;
}

SC_KERNEL(ref, gem_pool2d, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
