#include "host/ops/softmax.h"

#include <math.h>

#include "host/core/op.h"
#include "host/ops/axis.h"
#include "kernels/ref/walk.h"

// log(sum(exp(x))) of the n elements from `start` on, without overflow.
static double log_sum_exp(const ScTensor *x, int64_t start, int64_t n, int64_t step) {
   double top = -INFINITY, total = 0;
   for (int64_t k = 0; k < n; k++) top = fmax(top, sc_get(x, start + k * step));
   for (int64_t k = 0; k < n; k++) total += exp(sc_get(x, start + k * step) - top);
   return top + log(total);
}

static ScStatus forward(ScCall *c, bool log_scale) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, c->attr[SC_SOFTMAX_DIM].i);
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t start = o * a.n * a.inner + i;
         double norm = log_sum_exp(x, start, a.n, a.inner);
         for (int64_t k = 0; k < a.n; k++) {
            int64_t at = start + k * a.inner;
            double y = sc_get(x, at) - norm;
            sc_put(c->out[0], at, log_scale ? y : exp(y));
         }
      }
   return SC_OK;
}

// softmax: dx = y (g - sum(g y)); log_softmax: dx = g - exp(y) sum(g).
static ScStatus backward(ScCall *c, bool log_scale) {
   const ScTensor *y = c->out[0], *g = c->grad_out[0];
   ScAxis a = sc_axis(y, c->attr[SC_SOFTMAX_DIM].i);
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t start = o * a.n * a.inner + i;
         double total = 0;
         for (int64_t k = 0; k < a.n; k++) {
            int64_t at = start + k * a.inner;
            total += sc_get(g, at) * (log_scale ? 1 : sc_get(y, at));
         }
         for (int64_t k = 0; k < a.n; k++) {
            int64_t at = start + k * a.inner;
            double vy = sc_get(y, at), vg = sc_get(g, at);
            sc_put(c->grad_in[0], at, log_scale ? vg - exp(vy) * total : vy * (vg - total));
         }
      }
   return SC_OK;
}

SC_KERNEL_OF(ref, softmax, SC_FLOATS, forward(c, false), backward(c, false))
SC_KERNEL_OF(ref, log_softmax, SC_FLOATS, forward(c, true), backward(c, true))
