#include <math.h>

#include "host/ops/gelu.h"
#include "kernels/ref/activation.h"
#include "kernels/ref/walk.h"

static double exact(double x) {
   return sc_act(SC_ACT_GELU, x);
}

static double exact_derivative(double x) {
   return sc_act_derivative(SC_ACT_GELU, x);
}

static double tanh_of(double x) {
   return tanh(SC_GELU_TANH_FACTOR * (x + SC_GELU_TANH_CUBIC * x * x * x));
}

static double approximate(double x) {
   return 0.5 * x * (1 + tanh_of(x));
}

static double approximate_derivative(double v) {
   double x = v < -20 ? -20 : v > 20 ? 20 : v; // beyond it is 0 or 1, and x^2 may be infinite
   double t = tanh_of(x), slope = SC_GELU_TANH_FACTOR * (1 + 3 * SC_GELU_TANH_CUBIC * x * x);
   return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope;
}

static ScStatus forward(ScCall *c) {
   double (*f)(double) = c->attr[SC_GELU_APPROXIMATE].i ? approximate : exact;
   int64_t n = sc_numel(c->out[0]);
   for (int64_t i = 0; i < n; i++) sc_put(c->out[0], i, f(sc_get(c->in[0], i)));
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   double (*derivative)(double) = c->attr[SC_GELU_APPROXIMATE].i ? approximate_derivative : exact_derivative;
   int64_t n = sc_numel(c->in[0]);
   for (int64_t i = 0; i < n; i++)
      sc_put(c->grad_in[0], i, sc_get(c->grad_out[0], i) * derivative(sc_get(c->in[0], i)));
   return SC_OK;
}

SC_KERNEL(ref, gelu, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
