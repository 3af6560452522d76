#include <math.h>

#include "host/core/op.h"
#include "kernels/ref/activation.h"
#include "kernels/ref/walk.h"

typedef double (*Function)(double x);
typedef int64_t (*Whole)(int64_t x); // the same for i64; the smallest has no positive, and becomes the largest
// The derivative at x, where y is the result. Only the one of the two that the op declared is there, the other
// is 0.
typedef double (*Derivative)(double x, double y);

static double negative(double x) {
   return -x;
}
static double sign(double x) {
   return x > 0 ? 1 : x < 0 ? -1 : x; // NaN passes
}

static int64_t whole_negative(int64_t x) {
   return x == INT64_MIN ? INT64_MAX : -x;
}
static int64_t whole_abs(int64_t x) {
   return x < 0 ? whole_negative(x) : x;
}
static int64_t whole_relu(int64_t x) {
   return x < 0 ? 0 : x;
}
static int64_t whole_relu6(int64_t x) {
   return x < 0 ? 0 : x > 6 ? 6 : x;
}

static int64_t whole_sign(int64_t x) {
   return (x > 0) - (x < 0);
}
static int64_t same(int64_t x) {
   return x;
}

static double d_abs(double x, double y) {
   return (void)y, (x > 0) - (x < 0);
}
static double d_exp(double x, double y) {
   return (void)x, y;
}
static double d_log(double x, double y) {
   return (void)y, 1 / x;
}
static double d_sqrt(double x, double y) {
   return (void)x, 0.5 / y;
}
static double d_sigmoid(double x, double y) {
   return (void)x, y * (1 - y);
}
static double d_tanh(double x, double y) {
   return (void)x, 1 - y * y;
}
static double d_log1p(double x, double y) {
   return (void)y, 1 / (1 + x);
}
static double d_sin(double x, double y) {
   return (void)y, cos(x);
}
static double d_cos(double x, double y) {
   return (void)y, -sin(x);
}
static double d_erf(double x, double y) {
   return (void)y, M_2_SQRTPI * exp(-x * x);
}

// Those that other ops may end with.
#define ACTIVATION(name, op)                                                                                   \
   static double op(double x) {                                                                                \
      return sc_act(SC_ACT_##name, x);                                                                         \
   }                                                                                                           \
   static double d_##op(double x, double y) {                                                                  \
      return sc_act_derivative(SC_ACT_##name, sc_act_by_result(SC_ACT_##name) ? y : x);                        \
   }

ACTIVATION(RELU, relu)
ACTIVATION(RELU6, relu6)
ACTIVATION(SILU, silu)
ACTIVATION(HARDSWISH, hardswish)
ACTIVATION(HARDSIGMOID, hardsigmoid)

static ScStatus forward(ScCall *c, Function f, Whole whole) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t n = sc_numel(y);
   bool is_whole = y->dtype == SC_I64;
   for (int64_t i = 0; i < n; i++)
      if (is_whole)
         sc_whole(y)[i] = whole(sc_whole(x)[i]);
      else
         sc_put(y, i, f(sc_get(x, i)));
   return SC_OK;
}

static ScStatus backward(ScCall *c, Derivative derivative) {
   const ScTensor *x = c->in[0], *y = c->out[0], *g = c->grad_out[0];
   int64_t n = sc_numel(g);
   for (int64_t i = 0; i < n; i++) {
      double vx = x->buffer ? sc_get(x, i) : 0, vy = y->buffer ? sc_get(y, i) : 0;
      sc_put(c->grad_in[0], i, sc_get(g, i) * derivative(vx, vy));
   }
   return SC_OK;
}

#define UNARY(name, accepted, function, whole, derivative)                                                     \
   SC_KERNEL_OF(ref, name, accepted, forward(c, function, whole), backward(c, derivative))

static ScStatus forward_neg(ScCall *c) {
   return forward(c, negative, whole_negative);
}
SC_KERNEL(ref, neg, .dtypes = SC_NUMBERS, .forward = forward_neg)

#define STEPS(name, function, whole)                                                                           \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, function, whole);                                                                      \
   }                                                                                                           \
   SC_KERNEL(ref, name, .dtypes = SC_NUMBERS, .forward = forward_##name)

STEPS(sign, sign, whole_sign)
STEPS(floor, floor, same)
STEPS(ceil, ceil, same)
STEPS(round, rint, same)

UNARY(abs, SC_NUMBERS, fabs, whole_abs, d_abs)
UNARY(relu, SC_NUMBERS, relu, whole_relu, d_relu)
UNARY(relu6, SC_NUMBERS, relu6, whole_relu6, d_relu6)
UNARY(exp, SC_FLOATS, exp, NULL, d_exp)
UNARY(log, SC_FLOATS, log, NULL, d_log)
UNARY(sqrt, SC_FLOATS, sqrt, NULL, d_sqrt)
UNARY(sigmoid, SC_FLOATS, sc_sigmoid, NULL, d_sigmoid)
UNARY(tanh, SC_FLOATS, tanh, NULL, d_tanh)
UNARY(silu, SC_FLOATS, silu, NULL, d_silu)
UNARY(log1p, SC_FLOATS, log1p, NULL, d_log1p)
UNARY(sin, SC_FLOATS, sin, NULL, d_sin)
UNARY(cos, SC_FLOATS, cos, NULL, d_cos)
UNARY(erf, SC_FLOATS, erf, NULL, d_erf)
UNARY(hardsigmoid, SC_FLOATS, hardsigmoid, NULL, d_hardsigmoid)
UNARY(hardswish, SC_FLOATS, hardswish, NULL, d_hardswish)
