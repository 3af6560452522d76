#include "host/ops/norm.h"

#include "kernels/ref/walk.h"

static double term(double magnitude, double p) {
   return p == 0 ? magnitude != 0 : pow(magnitude, p);
}

// The largest magnitude (of sign 1) or the smallest, and how many there are of it; a NaN beats all.
static double extreme(const ScTensor *x, int64_t start, ScAxis a, double sign, double *count) {
   double best = fabs(sc_get(x, start));
   *count = 0;
   for (int64_t k = 0; k < a.n; k++) {
      double v = fabs(sc_get(x, start + k * a.inner));
      if (sign * v > sign * best || (v != v && best == best)) best = v, *count = 0;
      *count += v == best || v != v;
   }
   return best;
}

static double power_sum(const ScTensor *x, int64_t start, ScAxis a, double p) {
   double total = 0;
   for (int64_t k = 0; k < a.n; k++) total += term(fabs(sc_get(x, start + k * a.inner)), p);
   return p == 0 ? total : pow(total, 1 / p);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0];
   double p = c->attr[SC_NORM_P].f, count = 0;
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner;
      bool infinite = isinf(p);
      double y = infinite ? extreme(x, start, a, p > 0 ? 1 : -1, &count) : power_sum(x, start, a, p);
      sc_put(c->out[0], at, y);
      if (c->saved[SC_NORM_RESULT]) sc_put(c->saved[SC_NORM_RESULT], at, y);
      if (c->saved[SC_NORM_TIES]) sc_put(c->saved[SC_NORM_TIES], at, count);
   }
   return SC_OK;
}

static double sign_of(double x) {
   return x > 0 ? 1 : x < 0 ? -1 : x;
}

static double slope(double x, double y, double p, double count) {
   if (isinf(p)) return fabs(x) == y || x != x ? sign_of(x) / count : 0;
   if (p == 1) return sign_of(x);
   return p == 0 || y == 0 || x == 0 ? 0 : sign_of(x) * pow(fabs(x) / y, p - 1);
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0];
   double p = c->attr[SC_NORM_P].f;
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t i = 0; i < a.outer * a.n * a.inner; i++) {
      int64_t at = i / (a.n * a.inner) * a.inner + i % a.inner;
      double count = c->saved[SC_NORM_TIES] ? sc_get(c->saved[SC_NORM_TIES], at) : 1,
             g = sc_get(c->grad_out[0], at);
      sc_put(c->grad_in[0], i, g * slope(sc_get(x, i), sc_get(c->saved[SC_NORM_RESULT], at), p, count));
   }
   return SC_OK;
}

SC_KERNEL(ref, norm, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
