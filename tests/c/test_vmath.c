// The functions that kernels from scripts are made of, against those of C's library in double: a float in every
// 40,009, of all there are, and those that are no number, none, or the first of their kind.
#include "kernels/cpu/vmath.h"

#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/c/check.h"

enum { STRIDE = 40009 };

static const float corners[] = {0.0f,     -0.0f,  INFINITY, -INFINITY, NAN,   1.0f,    -1.0f,      2.0f,
                                -2.0f,    3.0f,   -3.0f,    0.5f,      -0.5f, FLT_MIN, -FLT_MIN,   FLT_MAX,
                                -FLT_MAX, 1e-45f, -1e-45f,  1.5f,      -1.5f, 2.5f,    88.72283f,  88.72284f,
                                -103.9f,  104.0f, 16777216, 16777217,  1e30f, -1e30f,  0.99999994f};
enum { CORNERS = sizeof corners / sizeof *corners };

// How far `found` is from `wanted`: a share of it, or of the smallest normal number where it is smaller; 0
// where both are NaN, or the same infinity, or round to it.
static double off(float found, double wanted) {
   if (isnan(wanted)) return isnan(found) ? 0 : INFINITY;
   if (fabs(wanted) > FLT_MAX) {
      if (isinf(found) && !signbit(found) == !signbit(wanted)) return 0;
      if (isinf(wanted)) return INFINITY;
   }
   if (wanted == 0 && (found != 0 || !signbit(found) != !signbit(wanted))) return INFINITY;
   double size = fmax(fabs(wanted), FLT_MIN), error = fabs((double)found - wanted);
   if (fabs(wanted) < FLT_MIN && error <= 1.5e-45) return 0; // the last bit of a subnormal number
   return isinf(found) && fabs(wanted) > FLT_MAX * (1 - 3e-7) ? 0 : error / size;
}

static float float_of(uint32_t bits) {
   float x;
   memcpy(&x, &bits, sizeof x);
   return x;
}

typedef struct {
   const char *name;
   float (*f)(float);
   double (*wanted)(double);
   double allowed;
} One;

static double rsqrt_of(double x) {
   return 1 / sqrt(x);
}
static double sigmoid_of(double x) { // as exp does, which is infinity from there on
   return x < -88.722839 ? 0 : 1 / (1 + exp(-x));
}
static double silu_of(double x) {
   return x * sigmoid_of(x);
}
static double softplus_of(double x) {
   return x < 0 ? log1p(exp(x)) : x + log1p(exp(-x));
}
static double gelu_of(double x) {
   return 0.5 * x * erfc(x * -M_SQRT1_2);
}
static double sign_of(double x) {
   return x > 0 ? 1 : x < 0 ? -1 : x;
}
static double relu_of(double x) {
   return x < 0 ? 0 : x;
}

static const One ones[] = {
    {"exp", sc_expf, exp, 2e-7},       {"exp2", sc_exp2f, exp2, 2e-7},
    {"expm1", sc_expm1f, expm1, 3e-7}, {"log", sc_logf, log, 2e-7},
    {"log2", sc_log2f, log2, 3e-7},    {"log10", sc_log10f, log10, 3e-7},
    {"log1p", sc_log1pf, log1p, 3e-7}, {"sinh", sc_sinhf, sinh, 3e-7},
    {"cosh", sc_coshf, cosh, 3e-7},    {"tanh", sc_tanhf, tanh, 3e-7},
    {"sqrt", sc_sqrtf, sqrt, 6e-8},    {"rsqrt", sc_rsqrtf, rsqrt_of, 1.2e-7},
    {"cbrt", sc_cbrtf, cbrt, 7e-8},    {"sin", sc_sinf, sin, 2e-7},
    {"cos", sc_cosf, cos, 2e-7},       {"tan", sc_tanf, tan, 3e-7},
    {"asin", sc_asinf, asin, 3e-7},    {"acos", sc_acosf, acos, 3e-7},
    {"atan", sc_atanf, atan, 2e-7},    {"erf", sc_erff, erf, 3e-7},
    {"erfc", sc_erfcf, erfc, 3e-7},    {"sigmoid", sc_sigmoidf, sigmoid_of, 3e-7},
    {"silu", sc_siluf, silu_of, 3e-7}, {"softplus", sc_softplusf, softplus_of, 3e-7},
    {"gelu", sc_geluf, gelu_of, 5e-7}, // 3e-7, but for the last bit of a subnormal erfc, times 7
    {"relu", sc_reluf, relu_of, 0},    {"abs", sc_absf, fabs, 0},
    {"floor", sc_floorf, floor, 0},    {"ceil", sc_ceilf, ceil, 0},
    {"round", sc_roundf, rint, 0},     {"trunc", sc_truncf, trunc, 0},
    {"sign", sc_signf, sign_of, 0},
};

static void test_functions_of_one(void **state) {
   (void)state;
   bool wrong = false;
   for (size_t k = 0; k < sizeof ones / sizeof *ones; k++) {
      double worst = 0;
      float at = 0;
      for (uint64_t i = 0; i < UINT32_MAX / STRIDE + CORNERS; i++) {
         float x = i < CORNERS ? corners[i] : float_of((uint32_t)(i - CORNERS) * STRIDE);
         double error = off(ones[k].f(x), ones[k].wanted((double)x));
         if (error > worst) worst = error, at = x;
      }
      if (getenv("SHOW")) printf("%-9s %.3g at %.9g\n", ones[k].name, worst, (double)at);
      if (worst <= ones[k].allowed) continue;
      wrong = true;
      printf("%s: off by %g (allowed %g) at %.9g: %.9g\n", ones[k].name, worst, ones[k].allowed, (double)at,
             (double)ones[k].f(at));
   }
   assert_false(wrong);
}

typedef struct {
   const char *name;
   float (*f)(float, float);
   double (*wanted)(double, double);
   double allowed;
} Two;

static double min_of(double x, double y) {
   return isnan(x) || isnan(y) ? NAN : x < y ? x : y;
}
static double max_of(double x, double y) {
   return isnan(x) || isnan(y) ? NAN : x > y ? x : y;
}

static const Two twos[] = {
    {"pow", sc_powf, pow, 3e-7}, {"atan2", sc_atan2f, atan2, 3e-7},       {"fmod", sc_fmodf, fmod, 0},
    {"min", sc_minf, min_of, 0}, {"copysign", sc_copysignf, copysign, 0}, {"max", sc_maxf, max_of, 0},
};

static float drawn(uint64_t *state, bool near_one) {
   *state = *state * 6364136223846793005u + 1442695040888963407u;
   uint32_t bits = (uint32_t)(*state >> 32);
   return float_of(near_one ? (bits & 0x807fffffu) | (120u + (bits >> 23 & 15u)) << 23 : bits);
}

static void test_functions_of_two(void **state) {
   (void)state;
   bool wrong = false;
   for (size_t k = 0; k < sizeof twos / sizeof *twos; k++) {
      double worst = 0;
      float at[2] = {0};
      uint64_t random = 5;
      for (int i = 0; i < CORNERS * CORNERS + 100000; i++) {
         bool corner = i < CORNERS * CORNERS, near_one = i % 2 == 0;
         float x = corner ? corners[i / CORNERS] : drawn(&random, near_one);
         float y = corner ? corners[i % CORNERS] : drawn(&random, near_one);
         double error = off(twos[k].f(x, y), twos[k].wanted((double)x, (double)y));
         if (error > worst) worst = error, at[0] = x, at[1] = y;
      }
      if (getenv("SHOW"))
         printf("%-9s %.3g at %.9g, %.9g\n", twos[k].name, worst, (double)at[0], (double)at[1]);
      if (worst <= twos[k].allowed) continue;
      wrong = true;
      printf("%s: off by %g (allowed %g) at %.9g, %.9g: %.9g\n", twos[k].name, worst, twos[k].allowed,
             (double)at[0], (double)at[1], (double)twos[k].f(at[0], at[1]));
   }
   assert_false(wrong);
}

static void test_what_is_a_number(void **state) {
   (void)state;
   assert_true(sc_isnanf(NAN) && !sc_isnanf(INFINITY) && !sc_isnanf(0));
   assert_true(sc_isinff(INFINITY) && sc_isinff(-INFINITY) && !sc_isinff(NAN) && !sc_isinff(FLT_MAX));
   assert_true(sc_isfinitef(-FLT_MAX) && !sc_isfinitef(INFINITY) && !sc_isfinitef(NAN));
   assert_true(sc_clampf(3, 0, 2) == 2 && sc_clampf(-3, 0, 2) == 0 && sc_clampf(1, 0, 2) == 1);
   assert_true(isnan(sc_clampf(NAN, 0, 2)));
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(test_functions_of_one),
       cmocka_unit_test(test_functions_of_two),
       cmocka_unit_test(test_what_is_a_number),
   };
   return cmocka_run_group_tests(tests, NULL, NULL);
}
