// exp, log, log1p, erf, sigmoid and tanh of a float, written without branches so that loops over them
// vectorise. Relative error below 3e-7; infinities and NaN behave as in the C library. Polynomials: Cephes, S.
// Moshier; those of erf are minimax fits to it.
#ifndef SCUTE_CPU_VMATH_H
#define SCUTE_CPU_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

// 2 to the power n, for -126 <= n <= 127.
static inline float sc_power_of_two(uint32_t n) {
   uint32_t bits = (n + 127u) << 23;
   float value;
   memcpy(&value, &bits, sizeof value);
   return value;
}

static inline float sc_expf(float x) {
   const float magic = 12582912.0f; // 1.5 * 2^23: adding it leaves the nearest whole number in the low bits
   x = x < -104.0f ? -104.0f : x;
   x = x > 89.0f ? 89.0f : x;
   float shifted = x * 1.44269504088896341f + magic, n = shifted - magic;
   float r = x - n * 0.693359375f + n * 2.12194440e-4f;
   float p = 1.9875691500e-4f;
   p = p * r + 1.3981999507e-3f;
   p = p * r + 8.3334519073e-3f;
   p = p * r + 4.1665795894e-2f;
   p = p * r + 1.6666665459e-1f;
   p = p * r + 5.0000001201e-1f;
   p = p * r * r + r + 1.0f;
   uint32_t bits;
   memcpy(&bits, &shifted, sizeof bits);
   int32_t whole = (int32_t)(bits - 0x4b400000u),
           half = whole >> 1; // in two steps, because 2^whole may be out of range
   return p * sc_power_of_two((uint32_t)half) * sc_power_of_two((uint32_t)(whole - half));
}

static inline float sc_logf(float x) {
   float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x; // subnormal ones times 2^23
   uint32_t bits;
   memcpy(&bits, &scaled, sizeof bits);
   uint32_t shifted = bits - 0x3f3504f3u; // from the square root of a half to that of two
   float e = (float)((int32_t)shifted >> 23) - (x < 1.17549435e-38f ? 23.0f : 0.0f), m;
   bits = (shifted & 0x007fffffu) + 0x3f3504f3u;
   memcpy(&m, &bits, sizeof m);
   float r = m - 1.0f, z = r * r, p = 7.0376836292e-2f;
   p = p * r - 1.1514610310e-1f;
   p = p * r + 1.1676998740e-1f;
   p = p * r - 1.2420140846e-1f;
   p = p * r + 1.4249322787e-1f;
   p = p * r - 1.6668057665e-1f;
   p = p * r + 2.0000714765e-1f;
   p = p * r - 2.4999993993e-1f;
   p = p * r + 3.3333331174e-1f;
   float y = p * r * z - 2.12194440e-4f * e - 0.5f * z + r + 0.693359375f * e;
   y = x < INFINITY ? y : x; // of NaN too
   return x > 0.0f ? y : x == 0.0f ? -INFINITY : NAN;
}

// What 1 + x loses is added again.
static inline float sc_log1pf(float x) {
   float u = 1.0f + x, lost = (x - (u - 1.0f)) / u;
   return sc_logf(u) + (lost == lost ? lost : 0.0f);
}

static inline float sc_erff(float x) {
   float t = fabsf(x), z = x * x, p = 7.854020077502355e-5f;
   p = p * z - 8.010246092453599e-4f;
   p = p * z + 5.18833426758647e-3f;
   p = p * z - 2.6853816583752632e-2f;
   p = p * z + 1.128358542919159e-1f;
   p = p * z - 3.761262595653534e-1f;
   p = p * z + 1.1283791065216064f;
   float small = p * x, u = (t > 4.0f ? 4.0f : t) - 2.0f, q = 2.1697722331737168e-5f; // beyond 4 it rounds to 1
   q = q * u - 1.3770582573194057e-4f;
   q = q * u + 7.302125450223684e-4f;
   q = q * u - 3.570519620552659e-3f;
   q = q * u + 1.64658110588789e-2f;
   q = q * u + 9.237509965896606e-1f;
   q = q * u + 4.418160915374756f;
   q = q * u + 5.364941120147705f;
   float large = 1.0f - sc_expf(-q);
   return t > 1.0f ? copysignf(large, x) : small; // a NaN is small
}

static inline float sc_sigmoidf(float x) {
   return 1.0f / (1.0f + sc_expf(-x));
}

static inline float sc_tanhf(float x) {
   float z = x * x, p = -5.70498872745e-3f;
   p = p * z + 2.06390887954e-2f;
   p = p * z - 5.37397155531e-2f;
   p = p * z + 1.33314422036e-1f;
   p = p * z - 3.33332819422e-1f;
   float small = p * z * x + x, large = 1.0f - 2.0f / (sc_expf(2.0f * fabsf(x)) + 1.0f);
   return fabsf(x) < 0.625f ? small : copysignf(large, x);
}

#endif
