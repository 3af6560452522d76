#include "host/ops/normalize.h"

#include <math.h>

#include "kernels/ref/walk.h"

// One vector: n elements from `at` on, `step` apart.
typedef struct {
   int64_t at, n, step;
} Vector;

static Vector vector_of(ScAxis a, int64_t k) {
   return (Vector){k / a.inner * a.n * a.inner + k % a.inner, a.n, a.inner};
}

static double largest(const ScTensor *x, Vector v) {
   double top = 0;
   for (int64_t i = 0; i < v.n; i++) {
      double size = fabs(sc_get(x, v.at + i * v.step));
      if (size > top || size != size) top = size;
      if (top != top) break;
   }
   return top;
}

// Relative to the largest, so that no power leaves the range of numbers.
static double norm_of(const ScTensor *x, Vector v, double p) {
   double top = largest(x, v), sum = 0;
   if (isinf(p) || top == 0 || !isfinite(top)) return top;
   for (int64_t i = 0; i < v.n; i++) sum += pow(fabs(sc_get(x, v.at + i * v.step)) / top, p);
   return top * pow(sum, 1 / p);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_unit_axis(c, x);
   double eps = c->attr[SC_UNIT_EPS].f;
   for (int64_t k = 0; k < a.outer * a.inner; k++) {
      Vector v = vector_of(a, k);
      double norm = norm_of(x, v, c->attr[SC_UNIT_P].f), divisor = norm < eps ? eps : norm;
      for (int64_t i = v.at; i < v.at + v.n * v.step; i += v.step) sc_put(c->out[0], i, sc_get(x, i) / divisor);
      if (c->saved[SC_UNIT_NORMS]) sc_put(c->saved[SC_UNIT_NORMS], k, norm);
   }
   return SC_OK;
}

// Of the norm by x, without its sign.
static double slope(double x, double norm, double p, double ties) {
   if (x == 0) return 0;
   return isinf(p) ? (fabs(x) == norm) / ties : pow(fabs(x) / norm, p - 1);
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0], *g = c->grad_out[0];
   ScAxis a = sc_unit_axis(c, x);
   double p = c->attr[SC_UNIT_P].f, eps = c->attr[SC_UNIT_EPS].f;
   for (int64_t k = 0; k < a.outer * a.inner; k++) {
      Vector v = vector_of(a, k);
      double norm = sc_get(c->saved[SC_UNIT_NORMS], k), divisor = norm < eps ? eps : norm, dot = 0, ties = 0;
      for (int64_t i = v.at; i < v.at + v.n * v.step; i += v.step) {
         if (!(norm < eps)) dot += sc_get(g, i) * sc_get(x, i) / norm;
         ties += fabs(sc_get(x, i)) == norm;
      }
      for (int64_t i = v.at; i < v.at + v.n * v.step; i += v.step) {
         double s = norm < eps ? 0 : copysign(slope(sc_get(x, i), norm, p, ties), sc_get(x, i));
         sc_put(c->grad_in[0], i, (sc_get(g, i) - dot * s) / divisor);
      }
   }
   return SC_OK;
}

SC_KERNEL(ref, normalize, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
