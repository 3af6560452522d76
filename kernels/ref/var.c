#include "host/ops/var.h"

#include <math.h>

#include "kernels/ref/walk.h"

static ScStatus forward(ScCall *c, bool root) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner;
      double mean = 0, squares = 0;
      for (int64_t k = 0; k < a.n; k++) mean += sc_get(x, start + k * a.inner);
      mean /= (double)a.n;
      for (int64_t k = 0; k < a.n; k++) {
         double d = sc_get(x, start + k * a.inner) - mean;
         squares += d * d;
      }
      double var = squares / sc_var_divisor(c);
      sc_put(c->out[0], at, root ? sqrt(var) : var);
      if (c->saved[0]) sc_put(c->saved[0], at, var == var ? mean : var); // a NaN is one of all
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c, bool root) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t i = 0; i < a.outer * a.n * a.inner; i++) {
      int64_t at = i / (a.n * a.inner) * a.inner + i % a.inner;
      double y = root ? sc_get(c->out[0], at) : 0.5, g = sc_get(c->grad_out[0], at);
      double slope = (sc_get(x, i) - sc_get(c->saved[0], at)) / (sc_var_divisor(c) * y);
      sc_put(c->grad_in[0], i, y == 0 ? 0 : g * slope);
   }
   return SC_OK;
}

SC_KERNEL_OF(ref, var, SC_FLOATS, forward(c, false), backward(c, false))
SC_KERNEL_OF(ref, std, SC_FLOATS, forward(c, true), backward(c, true))
