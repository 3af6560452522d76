// The Gaussian error linear unit.
#include "host/ops/gelu.h"

// Multiplying and adding in one instruction takes half of the time.
#pragma GCC optimize("fp-contract=fast")

#include "kernels/cpu/activation.h"
#include "kernels/cpu/unary.h"

static inline float tanh_share(float x) {
   return sc_sigmoidf(2 * (float)SC_GELU_TANH_FACTOR * (x + (float)SC_GELU_TANH_CUBIC * x * x * x));
}

// Beyond 10 it is 0 or 1, and x^2 may be infinite.
static inline float tanh_slope(float v) {
   float x = v < -10 ? -10 : v > 10 ? 10 : v;
   float s = tanh_share(x),
         inner = 2 * (float)SC_GELU_TANH_FACTOR * (1 + 3 * (float)SC_GELU_TANH_CUBIC * x * x);
   return s + x * s * (1 - s) * inner;
}

SC_MAP(gelu, sc_activate(SC_ACT_GELU, x))
SC_GRADIENT(gelu, sc_act_gradient(SC_ACT_GELU, v, g))
SC_MAP(tanh, x *tanh_share(x))
SC_GRADIENT(tanh, g *tanh_slope(v))

static ScStatus forward(ScCall *c) {
   return sc_unary_forward(c, c->attr[SC_GELU_APPROXIMATE].i ? map_tanh : map_gelu, NULL);
}

static ScStatus backward(ScCall *c) {
   return sc_unary_backward(c, c->attr[SC_GELU_APPROXIMATE].i ? gradient_tanh : gradient_gelu, NULL);
}

SC_KERNEL(cpu, gelu, SC_F32_AND_BF16, .forward = forward, .backward = backward)
