// The Gaussian error linear unit.
#include "host/ops/gelu.h"

// Multiplying and adding in one instruction takes half of the time.
#pragma GCC optimize("fp-contract=fast")

#include "kernels/cpu/unary.h"
#include "kernels/cpu/vmath.h"

static inline float bell(float x) {
   return sc_expf(-0.5f * x * x);
}

// The part of normal numbers below x, given e = bell(x): Abramowitz and Stegun 7.1.26, off by less than 1e-7.
static inline float share(float x, float e) {
   float t = 1.0f / (1.0f + 0.3275911f * (float)SC_GELU_SQRT_HALF * fabsf(x)), p = 1.061405429f;
   p = p * t - 1.453152027f;
   p = p * t + 1.421413741f;
   p = p * t - 0.284496736f;
   p = p * t + 0.254829592f;
   float outside = 0.5f * p * t * e;
   return x > 0 ? 1 - outside : outside;
}

static inline float slope(float x) {
   float e = bell(x);
   return share(x, e) + x * (float)SC_GELU_DENSITY * e;
}

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

SC_MAP(gelu, x *share(x, bell(x)))
SC_GRADIENT(gelu, g *slope(v))
SC_MAP(tanh, x *tanh_share(x))
SC_GRADIENT(tanh, g *tanh_slope(v))

static ScStatus forward(ScCall *c) {
   return sc_unary_forward(c, c->attr[SC_GELU_APPROXIMATE].i ? map_tanh : map_gelu, NULL);
}

static ScStatus backward(ScCall *c) {
   return sc_unary_backward(c, c->attr[SC_GELU_APPROXIMATE].i ? gradient_tanh : gradient_gelu, NULL);
}

SC_KERNEL(cpu, gelu, SC_F32_AND_BF16, .forward = forward, .backward = backward)
