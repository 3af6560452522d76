// Variances in one pass: sums of d and of d^2, where d is the distance from the first element of the chunk.
// That one is among the squares, so that what cancels is at most as many times the result as a chunk has
// elements, which double can spare.
#include "host/ops/var.h"

#include <math.h>

#include "kernels/cpu/fold.h"

// a: the mean; b: the sum of squares around it.
static ScKnown known(double shift, double sum, double squares, int64_t n) {
   double mean = sum / (double)n, around = squares - sum * mean;
   return (ScKnown){shift + mean, around < 0 ? 0 : around};
}

SC_CLONES static ScKnown row(const float *x, int64_t n, const double *p) {
   (void)p;
   double sums[SC_FOLD_LANES] = {0}, squares[SC_FOLD_LANES] = {0}, shift = x[0], sum = 0, square = 0;
   int64_t i = 0;
   for (; i + SC_FOLD_LANES <= n; i += SC_FOLD_LANES)
      for (int j = 0; j < SC_FOLD_LANES; j++) {
         double d = x[i + j] - shift;
         sums[j] += d, squares[j] += d * d;
      }
   for (; i < n; i++) {
      double d = x[i] - shift;
      sum += d, square += d * d;
   }
   for (int j = 0; j < SC_FOLD_LANES; j++) sum += sums[j], square += squares[j];
   return known(shift, sum, square, n);
}

SC_CLONES static void strip(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width,
                            const double *p) {
   (void)p;
   double sums[SC_FOLD_STRIP] = {0}, squares[SC_FOLD_STRIP] = {0};
   for (int64_t k = 1; k < n; k++)
      for (int64_t i = 0; i < width; i++) {
         double d = (double)x[k * stride + i] - x[i];
         sums[i] += d, squares[i] += d * d;
      }
   // also of one row: infinities and NaN must show
   for (int64_t i = 0; i < width; i++) to[i] = known(x[i], sums[i] + (x[i] - x[i]), squares[i], n);
}

// Chan, Golub and LeVeque 1979.
static ScKnown join(ScKnown one, int64_t n, ScKnown later, int64_t later_n, const double *p) {
   (void)p;
   double d = later.a - one.a, share = (double)later_n / (double)(n + later_n);
   return (ScKnown){one.a + d * share, one.b + later.b + d * d * share * (double)n};
}

enum { ROOT, DIVISOR }; // what is said of all elements

static void put(ScCall *c, int64_t at, ScKnown all, const double *p) {
   double var = all.b / p[DIVISOR];
   ((float *)c->out[0]->buffer->data)[at] = (float)(p[ROOT] ? sqrt(var) : var);
   if (c->saved[0]) ((float *)c->saved[0]->buffer->data)[at] = (float)all.a;
}

static const ScFold fold = {row, strip, join, put};

SC_UNFOLD(var, (v - a) * b)

static void prepare(const ScCall *c, int64_t at, float *mean, float *factor, const double *p) {
   double y = p[ROOT] ? ((float *)c->out[0]->buffer->data)[at] : 0.5;
   double g = ((float *)c->grad_out[0]->buffer->data)[at];
   *mean = ((float *)c->saved[0]->buffer->data)[at];
   *factor = y == 0 ? 0 : (float)(g / (p[DIVISOR] * y));
}

static ScStatus forward(ScCall *c, double root) {
   return sc_fold(c, &fold, (double[]){root, sc_var_divisor(c)});
}
static ScStatus backward(ScCall *c, double root) {
   return sc_unfold(c, unfold_var, prepare, (double[]){root, sc_var_divisor(c)});
}

SC_KERNEL_OF(cpu, var, 1u << SC_F32, forward(c, 0), backward(c, 0))
SC_KERNEL_OF(cpu, std, 1u << SC_F32, forward(c, 1), backward(c, 1))
