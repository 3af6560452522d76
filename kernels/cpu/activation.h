// The activations of host/ops/activation.h, and their gradients, in loops of the CPU's kernels and at the end
// of oneDNN's convolutions.
#ifndef SCUTE_CPU_ACTIVATION_H
#define SCUTE_CPU_ACTIVATION_H

#include "host/ops/activation.h"
#include "host/ops/gelu.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/vmath.h"

#define SC_SIXTH (1.0f / 6)

SC_INLINE float sc_relu6f(float x) {
   x = x < 0 ? 0 : x;
   return x > 6 ? 6 : x;
}

SC_INLINE float sc_hardsigmoidf(float x) {
   return sc_relu6f(x + 3) * SC_SIXTH;
}

// e to the power x, for x <= 0, as sc_expf computes it, but 0 for what is next to nothing: that takes one step
// of scaling instead of two.
SC_INLINE float sc_falling_expf(float x) {
   const float magic = 12582912.0f; // 1.5 * 2^23
   float shifted = x * 1.44269504088896341f + magic, n = shifted - magic;
   float r = x - n * 0.693359375f + n * 2.12194440e-4f;
   float value = (sc_exp_core(r) + 1.0f) * sc_power_of_two((uint32_t)sc_low_bits(shifted));
   return x < -87.0f ? 0.0f : value;
}

SC_INLINE float sc_bellf(float x) {
   return sc_falling_expf(-0.5f * x * x);
}

SC_INLINE float sc_logistic(float x) {
   float e = sc_falling_expf(-fabsf(x));
   return (x < 0 ? e : 1.0f) / (1.0f + e);
}

// The part of normal numbers below x, given bell = sc_bellf(x): Abramowitz and Stegun 7.1.26, off by less than
// 1e-7.
SC_INLINE float sc_normal_sharef(float x, float bell) {
   float t = 1.0f / (1.0f + 0.3275911f * (float)SC_GELU_SQRT_HALF * fabsf(x)), p = 1.061405429f;
   p = p * t - 1.453152027f;
   p = p * t + 1.421413741f;
   p = p * t - 0.284496736f;
   p = p * t + 0.254829592f;
   float outside = 0.5f * p * t * bell;
   return x > 0 ? 1 - outside : outside;
}

SC_INLINE float sc_silu_gradient(float x, float g) {
   float s = sc_logistic(x);
   return g * s * (1 + x * (1 - s));
}

SC_INLINE float sc_sigmoid_gradient(float x, float g) {
   float s = sc_logistic(x);
   return g * (s * (1 - s));
}

SC_INLINE float sc_hardswish_slope(float x) {
   return x <= -3 ? 0 : x < 3 ? x * (1.0f / 3) + 0.5f : 1;
}

SC_INLINE float sc_gelu_slope(float x) {
   float bell = sc_bellf(x);
   return sc_normal_sharef(x, bell) + x * (float)SC_GELU_DENSITY * bell;
}

// _(name, value at x, gradient of x where that of the value is g; oneDNN's kind and its two numbers, and
// whether it is right for infinities and for what is no number: a NaN stays one). clang-format would take < for
// a bracket.
// clang-format off
#define SC_CPU_ACTIVATIONS(_)                                                                                  \
   _(RELU, x < 0 ? 0 : x, x > 0 ? g : 0, relu, 0, 0, false)                                                    \
   _(RELU6, sc_relu6f(x), x > 0 && x < 6 ? g : 0, clip, 0, 6, false)                                           \
   _(SILU, x * sc_logistic(x), sc_silu_gradient(x, g), swish, 1, 0, true)                                      \
   _(HARDSWISH, x * sc_hardsigmoidf(x), g * sc_hardswish_slope(x), hardswish, SC_SIXTH, 0.5f, true)            \
   _(HARDSIGMOID, sc_hardsigmoidf(x), x > -3 && x < 3 ? g * SC_SIXTH : 0, hardsigmoid, SC_SIXTH, 0.5f, false)  \
   _(SIGMOID, sc_logistic(x), sc_sigmoid_gradient(x, g), logistic, 0, 0, true)                                 \
   _(GELU, x * sc_normal_sharef(x, sc_bellf(x)), g * sc_gelu_slope(x), gelu_erf, 0, 0, false)
// clang-format on

SC_INLINE float sc_activate(ScAct act, float x) {
#define SC_ACT_CASE(name, value, gradient, kind, alpha, beta, right)                                           \
   case SC_ACT_##name: return value;
   switch (act) {
      SC_CPU_ACTIVATIONS(SC_ACT_CASE)
   default: return x;
   }
#undef SC_ACT_CASE
}

// x: the value before the activation, or the one after it where sc_act_by_result.
SC_INLINE float sc_act_gradient(ScAct act, float x, float g) {
#define SC_ACT_CASE(name, value, gradient, kind, alpha, beta, right)                                           \
   case SC_ACT_##name: return gradient;
   switch (act) {
      SC_CPU_ACTIVATIONS(SC_ACT_CASE)
   default: return g;
   }
#undef SC_ACT_CASE
}

// y = act(x) of n elements, f32 or bf16; y may be x.
void sc_activate_all(ScAct, int64_t n, const void *x, void *y, bool half);
// g *= the derivative at x.
void sc_act_gradient_all(ScAct, int64_t n, const float *x, float *g);

#endif
