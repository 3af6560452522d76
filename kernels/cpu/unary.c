// Functions of each element alone, without options.
#include "kernels/cpu/unary.h"

#include <math.h>

#include "kernels/cpu/activation.h"

// Without a derivative, or with one that ops/unary.c makes itself.
#define FORWARD(name, value)                                                                                   \
   SC_MAP(name, value)                                                                                         \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return sc_unary_forward(c, map_##name, NULL);                                                            \
   }                                                                                                           \
   SC_KERNEL(cpu, name, SC_F32_AND_BF16, .forward = forward_##name)

#define UNARY(name, value, derivative)                                                                         \
   SC_MAP(name, value)                                                                                         \
   SC_GRADIENT(name, derivative)                                                                               \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return sc_unary_forward(c, map_##name, NULL);                                                            \
   }                                                                                                           \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return sc_unary_backward(c, gradient_##name, NULL);                                                      \
   }                                                                                                           \
   SC_KERNEL(cpu, name, SC_F32_AND_BF16, .forward = forward_##name, .backward = backward_##name)

FORWARD(neg, -x)
FORWARD(sign, x > 0 ? 1 : x < 0 ? -1 : x)
FORWARD(floor, floorf(x))
FORWARD(ceil, ceilf(x))
FORWARD(round, rintf(x))

UNARY(abs, fabsf(x), v > 0 ? g : v < 0 ? -g : 0)
UNARY(exp, sc_expf(x), g *v)
UNARY(log, sc_logf(x), g / v)
UNARY(log1p, sc_log1pf(x), g / (1 + v))
UNARY(sin, sinf(x), g *cosf(v))
UNARY(cos, cosf(x), -g *sinf(v))
UNARY(erf, sc_erff(x), g *(float)M_2_SQRTPI *sc_expf(-v *v))
UNARY(sqrt, sqrtf(x), g * 0.5f / v)
UNARY(sigmoid, sc_sigmoidf(x), g *v *(1 - v))
UNARY(tanh, sc_tanhf(x), g *(1 - v * v))

// Those that other ops may end with.
#define ACTIVATION(op, name) UNARY(op, sc_activate(name, x), sc_act_gradient(name, v, g))

ACTIVATION(relu, SC_ACT_RELU)
ACTIVATION(relu6, SC_ACT_RELU6)
ACTIVATION(hardsigmoid, SC_ACT_HARDSIGMOID)
ACTIVATION(hardswish, SC_ACT_HARDSWISH)
