// The activations of host/ops/activation.h and their derivatives.
#ifndef SCUTE_REF_ACTIVATION_H
#define SCUTE_REF_ACTIVATION_H

#include <math.h>

#include "host/ops/activation.h"
#include "host/ops/gelu.h"

static inline double sc_sigmoid(double x) {
   return 1 / (1 + exp(-x));
}

static inline double sc_hardsigmoid(double x) {
   return x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6;
}

static inline double sc_normal_share(double x) { // of normal numbers, those below x
   return 0.5 * (1 + erf(SC_GELU_SQRT_HALF * x));
}

// _(name, value at x, derivative at x). A NaN stays one.
#define SC_REF_ACTIVATIONS(_)                                                                                  \
   _(RELU, x<0 ? 0 : x, x> 0)                                                                                  \
   _(RELU6, x<0 ? 0 : x> 6 ? 6 : x, x > 0 && x < 6)                                                            \
   _(SILU, x / (1 + exp(-x)), sc_sigmoid(x) * (1 + x * (1 - sc_sigmoid(x))))                                   \
   _(HARDSWISH, x *sc_hardsigmoid(x), x <= -3 ? 0 : x < 3 ? x / 3 + 0.5 : 1)                                   \
   _(HARDSIGMOID, sc_hardsigmoid(x), x > -3 && x < 3 ? 1.0 / 6 : 0)                                            \
   _(SIGMOID, sc_sigmoid(x), sc_sigmoid(x) * (1 - sc_sigmoid(x)))                                              \
   _(GELU, x *sc_normal_share(x), sc_normal_share(x) + x * SC_GELU_DENSITY * exp(-0.5 * x * x))

static inline double sc_act(ScAct act, double x) {
#define SC_ACT_CASE(name, value, derivative)                                                                   \
   case SC_ACT_##name: return value;
   switch (act) {
      SC_REF_ACTIVATIONS(SC_ACT_CASE)
   default: return x;
   }
#undef SC_ACT_CASE
}

// Given the value before the activation, or the one after it where sc_act_by_result.
static inline double sc_act_derivative(ScAct act, double x) {
#define SC_ACT_CASE(name, value, derivative)                                                                   \
   case SC_ACT_##name: return derivative;
   switch (act) {
      SC_REF_ACTIVATIONS(SC_ACT_CASE)
   default: return 1;
   }
#undef SC_ACT_CASE
}

#endif
