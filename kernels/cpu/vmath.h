// Functions of floats, written without branches so that loops over them vectorise; kernels from scripts
// (scute.kernel) are compiled against this file, where it is all that their texts can call. Relative error
// below 3e-7 wherever the result is a normal number (tests/c/test_vmath.c has each one's), the last bit of a
// subnormal one; infinities, NaN and -0 behave as in the C library, but min, max and clamp, which are NaN where
// x is. Polynomials: Cephes, S. Moshier; those of erf are minimax fits to it, that of erfc is W. Press and
// others', Numerical Recipes.
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

// e to the power r, for |r| <= 0.35, less 1.
static inline float sc_exp_core(float r) {
   float p = 1.9875691500e-4f;
   p = p * r + 1.3981999507e-3f;
   p = p * r + 8.3334519073e-3f;
   p = p * r + 4.1665795894e-2f;
   p = p * r + 1.6666665459e-1f;
   p = p * r + 5.0000001201e-1f;
   return p * r * r + r;
}

// What `scaled` is 2^whole of, in two steps, because that may be out of range.
static inline float sc_scale(float scaled, int32_t whole) {
   int32_t half = whole >> 1;
   return scaled * sc_power_of_two((uint32_t)half) * sc_power_of_two((uint32_t)(whole - half));
}

static inline int32_t sc_low_bits(float shifted) { // the whole number that 1.5 * 2^23 was added to
   uint32_t bits;
   memcpy(&bits, &shifted, sizeof bits);
   return (int32_t)(bits - 0x4b400000u);
}

static inline float sc_expf(float x) {
   const float magic = 12582912.0f; // 1.5 * 2^23: adding it leaves the nearest whole number in the low bits
   x = x < -104.0f ? -104.0f : x;
   x = x > 89.0f ? 89.0f : x;
   float shifted = x * 1.44269504088896341f + magic, n = shifted - magic;
   float r = x - n * 0.693359375f + n * 2.12194440e-4f;
   return sc_scale(sc_exp_core(r) + 1.0f, sc_low_bits(shifted));
}

typedef struct {
   float e, r, p, z; // x = 2^e (1 + r), sqrt(1/2) <= 1 + r < sqrt(2); log(1 + r) = p r z - z / 2 + r, z = r r
} ScLog;

static inline ScLog sc_log_core(float x) {
   float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x; // subnormal ones times 2^23
   uint32_t bits;
   memcpy(&bits, &scaled, sizeof bits);
   uint32_t shifted = bits - 0x3f3504f3u; // from the square root of a half to that of two
   float e = (float)((int32_t)shifted >> 23) - (x < 1.17549435e-38f ? 23.0f : 0.0f), m;
   bits = (shifted & 0x007fffffu) + 0x3f3504f3u;
   memcpy(&m, &bits, sizeof m);
   float r = m - 1.0f, p = 7.0376836292e-2f;
   p = p * r - 1.1514610310e-1f;
   p = p * r + 1.1676998740e-1f;
   p = p * r - 1.2420140846e-1f;
   p = p * r + 1.4249322787e-1f;
   p = p * r - 1.6668057665e-1f;
   p = p * r + 2.0000714765e-1f;
   p = p * r - 2.4999993993e-1f;
   p = p * r + 3.3333331174e-1f;
   return (ScLog){e, r, p, r * r};
}

// y where x has a logarithm that is a number.
static inline float sc_log_ends(float x, float y) {
   y = x < INFINITY ? y : x; // of NaN too
   return x > 0.0f ? y : x == 0.0f ? -INFINITY : NAN;
}

static inline float sc_logf(float x) {
   ScLog l = sc_log_core(x);
   return sc_log_ends(x, l.p * l.r * l.z - 2.12194440e-4f * l.e - 0.5f * l.z + l.r + 0.693359375f * l.e);
}

static inline float sc_log2f(float x) {
   ScLog l = sc_log_core(x);
   return sc_log_ends(x, (l.p * l.r * l.z - 0.5f * l.z + l.r) * 1.44269504088896341f + l.e);
}

static inline float sc_log10f(float x) {
   ScLog l = sc_log_core(x);
   float part = (l.p * l.r * l.z - 0.5f * l.z + l.r) * 0.43429448190325183f;
   return sc_log_ends(x, part + l.e * 4.6050389811952137e-6f + l.e * 0.301025390625f);
}

// What 1 + x loses is added again.
static inline float sc_log1pf(float x) {
   float u = 1.0f + x, lost = (x - (u - 1.0f)) / u;
   return copysignf(sc_logf(u) + (lost == lost ? lost : 0.0f), x);
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
   return copysignf(fabsf(x) < 0.625f ? small : large, x);
}

// ---- exponentials ----

static inline float sc_exp2f(float x) {
   const float magic = 12582912.0f;
   x = x < -152.0f ? -152.0f : x;
   x = x > 129.0f ? 129.0f : x;
   float shifted = x + magic;
   return sc_scale(sc_exp_core((x - (shifted - magic)) * 0.69314718055994531f) + 1.0f, sc_low_bits(shifted));
}

// 2 to the power t, rounded once, where an exponent of 24 bits is not enough.
static inline float sc_exp2_wide(double t) {
   const double magic = 6755399441055744.0; // 1.5 * 2^52
   t = t < -152.0 ? -152.0 : t;
   t = t > 129.0 ? 129.0 : t;
   double shifted = t + magic;
   uint64_t bits;
   memcpy(&bits, &shifted, sizeof bits);
   float r = (float)((t - (shifted - magic)) * 0.69314718055994531);
   return sc_scale(sc_exp_core(r) + 1.0f, (int32_t)(uint32_t)bits);
}

static inline float sc_expm1f(float x) {
   const float magic = 12582912.0f;
   float y = x < -104.0f ? -104.0f : x;
   y = y > 89.0f ? 89.0f : y;
   float shifted = y * 1.44269504088896341f + magic, n = shifted - magic;
   float r = y - n * 0.693359375f + n * 2.12194440e-4f;
   int32_t whole = sc_low_bits(shifted), half = whole >> 1;
   float first = sc_power_of_two((uint32_t)half), second = sc_power_of_two((uint32_t)(whole - half));
   float less = sc_power_of_two((uint32_t)(half - whole)); // 2^whole - 1 = (first - less) second
   return copysignf((sc_exp_core(r) * first + (first - less)) * second, x);
}

static inline float sc_sinhf(float x) {
   float a = fabsf(x), e = sc_expm1f(a > 1.0f ? 1.0f : a);
   float large = sc_exp2_wide((double)a * 1.4426950408889634 - 1.0); // half of e^a
   return copysignf(a > 1.0f ? large - 0.25f / large : 0.5f * (e + e / (e + 1.0f)), x);
}

static inline float sc_coshf(float x) {
   float large = sc_exp2_wide(fabs((double)x) * 1.4426950408889634 - 1.0);
   return large + 0.25f / large;
}

// ---- powers and roots ----

// The logarithm of x > 0 to base 2, to 12 digits.
static inline double sc_log2_wide(double x) {
   uint64_t bits, top = 0x3fe6a09e667f3bcdu; // the square root of a half
   memcpy(&bits, &x, sizeof bits);
   uint64_t shifted = bits - top, exponent = ((shifted >> 52) ^ 0x800u) & 0xfffu;
   uint64_t of_e = exponent | 0x4330000000000000u, of_m = (shifted & 0x000fffffffffffffu) + top;
   double e, m;
   memcpy(&e, &of_e, sizeof e); // 2^52 + 2048 + e
   memcpy(&m, &of_m, sizeof m);
   double s = (m - 1.0) / (m + 1.0), z = s * s, p = 1.0 / 15.0;
   p = p * z + 1.0 / 13.0;
   p = p * z + 1.0 / 11.0;
   p = p * z + 1.0 / 9.0;
   p = p * z + 1.0 / 7.0;
   p = p * z + 1.0 / 5.0;
   p = p * z + 1.0 / 3.0;
   return (p * z * s + s) * 2.8853900817779268 + (e - 4503599627372544.0);
}

static inline float sc_powf(float x, float y) {
   float a = fabsf(x), whole = truncf(y);
   double log = a == 0.0f ? -INFINITY : a < INFINITY ? sc_log2_wide((double)a) : (double)a; // NaN stays
   float p = sc_exp2_wide(a == 1.0f ? 0.0 : (double)y * log);
   float half = 0.5f * whole, odd = half != truncf(half) ? -p : p; // infinities and large numbers are even
   float negative = whole != y ? (fabsf(x) < INFINITY && x < 0.0f ? NAN : p) : odd;
   float z = signbit(x) ? negative : p;
   return y == 0.0f || x == 1.0f ? 1.0f : y != y ? y : z;
}

static inline float sc_sqrtf(float x) {
   return sqrtf(x);
}

static inline float sc_rsqrtf(float x) {
   return 1.0f / sqrtf(x);
}

static inline float sc_cbrtf(float x) {
   double a = fabs((double)x), t;
   uint64_t bits;
   memcpy(&bits, &a, sizeof bits);
   uint32_t first = (uint32_t)(bits >> 32) / 3u + 715094163u; // to 5 bits; twice Halley's step: to 47
   bits = (uint64_t)first << 32;
   memcpy(&t, &bits, sizeof t);
   double r = t * t * t;
   t = t * (a + a + r) / (a + r + r);
   r = t * t * t;
   t = t * (a + a + r) / (a + r + r);
   return a > 0.0 && a < (double)INFINITY ? copysignf((float)t, x) : x;
}

// ---- functions of angles ----

// x less the nearest multiple of pi / 2, of whose number the last two bits are *quadrant: x times as many
// digits of 2 / pi as it takes (M. Payne and R. Hanek 1983), in whole numbers.
static inline float sc_reduce_angle(float x, uint32_t *quadrant) {
   static const uint32_t two_over_pi[8] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u,
                                           0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};
   uint32_t bits;
   memcpy(&bits, &x, sizeof bits);
   uint32_t exponent = bits >> 23 & 255u, m = (bits & 0x007fffffu) | 0x00800000u;
   exponent = exponent < 126u ? 126u : exponent; // below a half x is taken as it is
   uint32_t at = exponent - 120u, left = at & 31u, right = 31u - left;
   const uint32_t *w = two_over_pi;
   uint32_t i = at >> 5, a = w[i], b = w[i + 1u], c = w[i + 2u], d = w[i + 3u];
   uint64_t high = a << left | b >> 1 >> right, middle = b << left | c >> 1 >> right;
   uint64_t low = c << left | d >> 1 >> right;
   uint64_t turns = (m * high << 32) + m * middle + (m * low >> 32); // quarters, in units of 2^-62, modulo 4
   uint64_t nearest = (turns + ((uint64_t)1 << 61)) >> 62, rest = turns - (nearest << 62);
   double upper = (double)(int32_t)(uint32_t)(rest >> 32), lower = (double)(int32_t)((uint32_t)rest >> 1);
   float r = (float)((upper * 4294967296.0 + 2.0 * lower) * 3.4061215800304205e-19); // pi / 2 * 2^-62
   float size = fabsf(x);
   *quadrant = size < 0.5f ? 0u : (uint32_t)(x < 0.0f ? 0u - nearest : nearest);
   return size < 0.5f ? x : size < INFINITY ? (x < 0.0f ? -r : r) : x - x;
}

static inline float sc_sin_core(float r) { // |r| <= pi / 4
   float z = r * r;
   return copysignf(((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r, r);
}

static inline float sc_cos_core(float r) {
   float z = r * r;
   return ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z +
          1.0f;
}

static inline float sc_sinf(float x) {
   uint32_t quadrant;
   float r = sc_reduce_angle(x, &quadrant), y = quadrant & 1u ? sc_cos_core(r) : sc_sin_core(r);
   return quadrant & 2u ? -y : y;
}

static inline float sc_cosf(float x) {
   uint32_t quadrant;
   float r = sc_reduce_angle(x, &quadrant), y = quadrant & 1u ? sc_sin_core(r) : sc_cos_core(r);
   return (quadrant + 1u) & 2u ? -y : y;
}

static inline float sc_tanf(float x) {
   uint32_t quadrant;
   float r = sc_reduce_angle(x, &quadrant), s = sc_sin_core(r), c = sc_cos_core(r);
   return quadrant & 1u ? -c / s : s / c;
}

// Of the angle whose tangent is low / high, for 0 <= low <= high.
static inline float sc_atan_core(float low, float high) {
   float q = low == high ? (low == 0.0f ? 0.0f : 1.0f) : low / high;
   float t = q > 0.414213562f ? (q - 1.0f) / (q + 1.0f) : q, z = t * t;
   float y =
       (((8.05374449538e-2f * z - 1.38776856032e-1f) * z + 1.99777106478e-1f) * z - 3.33329491539e-1f) * z * t +
       t;
   return q > 0.414213562f ? 0.785398163f + y : y;
}

static inline float sc_atanf(float x) {
   float a = fabsf(x), y = sc_atan_core(a > 1.0f ? 1.0f : a, a > 1.0f ? a : 1.0f);
   return copysignf(a > 1.0f ? 1.57079633f - y : y, x);
}

static inline float sc_atan2f(float y, float x) {
   float a = fabsf(y), b = fabsf(x), angle = sc_atan_core(a > b ? b : a, a > b ? a : b);
   angle = a > b ? 1.57079633f - angle : angle;
   angle = signbit(x) ? 3.14159265f - angle : angle;
   return x != x ? x : y != y ? y : copysignf(angle, y);
}

// asin of s = sqrt(z), for z <= 1 / 4.
static inline float sc_asin_core(float s, float z) {
   float p = 4.2163199048e-2f;
   p = p * z + 2.4181311049e-2f;
   p = p * z + 4.5470025998e-2f;
   p = p * z + 7.4953002686e-2f;
   p = p * z + 1.6666752422e-1f;
   return p * z * s + s;
}

static inline float sc_asinf(float x) {
   float a = fabsf(x), z = a > 0.5f ? 0.5f * (1.0f - a) : a * a, y = sc_asin_core(a > 0.5f ? sqrtf(z) : a, z);
   return copysignf(a > 0.5f ? 1.57079633f - 2.0f * y : y, x);
}

static inline float sc_acosf(float x) {
   float a = fabsf(x), z = a > 0.5f ? 0.5f * (1.0f - a) : a * a, y = sc_asin_core(a > 0.5f ? sqrtf(z) : x, z);
   return x > 0.5f ? 2.0f * y : x < -0.5f ? 3.14159265f - 2.0f * y : 1.57079633f - y;
}

// ---- of probabilities ----

static inline float sc_erfc_wide(double x) {
   double a = fabs(x), t = 1.0 / (1.0 + 0.5 * a), p = 0.17087277;
   p = p * t - 0.82215223;
   p = p * t + 1.48851587;
   p = p * t - 1.13520398;
   p = p * t + 0.27886807;
   p = p * t - 0.18628806;
   p = p * t + 0.09678418;
   p = p * t + 0.37409196;
   p = p * t + 1.00002368;
   p = p * t - 1.26551223;
   float y = (float)t * sc_exp2_wide((p - a * a) * 1.4426950408889634);
   return x < 0.0 ? 2.0f - y : y;
}

static inline float sc_erfcf(float x) {
   return sc_erfc_wide((double)x);
}

static inline float sc_softplusf(float x) {
   return (x < 0.0f ? 0.0f : x) + sc_log1pf(sc_expf(-fabsf(x)));
}

static inline float sc_siluf(float x) {
   return x * sc_sigmoidf(x);
}

// x times the share of normal numbers below x.
static inline float sc_geluf(float x) {
   return 0.5f * x * sc_erfc_wide((double)x * -0.70710678118654752);
}

// ---- steps, signs and comparisons ----

static inline float sc_absf(float x) {
   return fabsf(x);
}

static inline float sc_floorf(float x) {
   return floorf(x);
}

static inline float sc_ceilf(float x) {
   return ceilf(x);
}

static inline float sc_roundf(float x) { // halves to the even number, as scute.round
   return rintf(x);
}

static inline float sc_truncf(float x) {
   return truncf(x);
}

// r less the multiples of y in it, for r < 2^29 y, exactly.
static inline double sc_less_multiples(double r, double y) {
   return r - y * trunc(r / y);
}

// 28 bits of the quotient at a time.
static inline float sc_fmodf(float x, float y) {
   double r = fabs((double)x), d = fabs((double)y);
   r = sc_less_multiples(r, d * 0x1p252);
   r = sc_less_multiples(r, d * 0x1p224);
   r = sc_less_multiples(r, d * 0x1p196);
   r = sc_less_multiples(r, d * 0x1p168);
   r = sc_less_multiples(r, d * 0x1p140);
   r = sc_less_multiples(r, d * 0x1p112);
   r = sc_less_multiples(r, d * 0x1p84);
   r = sc_less_multiples(r, d * 0x1p56);
   r = sc_less_multiples(r, d * 0x1p28);
   r = sc_less_multiples(r, d);
   return d == (double)INFINITY && fabsf(x) < INFINITY ? x : copysignf((float)r, x);
}

static inline float sc_signf(float x) {
   return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
}

static inline float sc_copysignf(float x, float y) {
   return copysignf(x, y);
}

static inline float sc_minf(float x, float y) {
   return x < y || x != x ? x : y;
}

static inline float sc_maxf(float x, float y) {
   return x > y || x != x ? x : y;
}

static inline float sc_clampf(float x, float low, float high) {
   return x < low ? low : x > high ? high : x;
}

static inline float sc_reluf(float x) {
   return x < 0.0f ? 0.0f : x;
}

// 1 or 0.
static inline int sc_isnanf(float x) {
   return x != x;
}

static inline int sc_isinff(float x) {
   return fabsf(x) == INFINITY;
}

static inline int sc_isfinitef(float x) {
   return fabsf(x) < INFINITY;
}

#endif
