// exp, sigmoid and tanh of a float, written without branches so that loops over them vectorise. Relative error
// below 3e-7; infinities and NaN behave as in the C library. Polynomials: Cephes, S. Moshier.
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
