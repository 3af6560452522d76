#include <math.h>

#include "host/ops/broadcast.h"
#include "kernels/ref/walk.h"

typedef double (*Function)(double a, double b);
// Derivatives by a and by b, given both operands.
typedef void (*Derivative)(double a, double b, double *da, double *db);

static double add(double a, double b) {
   return a + b;
}
static double sub(double a, double b) {
   return a - b;
}
static double mul(double a, double b) {
   return a * b;
}
static double divide(double a, double b) {
   return a / b;
}
static double larger(double a, double b) {
   return a > b || a != a ? a : b;
}
static double smaller(double a, double b) {
   return a < b || a != a ? a : b;
}

static void d_add(double a, double b, double *da, double *db) {
   (void)a, (void)b, *da = 1, *db = 1;
}
static void d_sub(double a, double b, double *da, double *db) {
   (void)a, (void)b, *da = 1, *db = -1;
}
static void d_mul(double a, double b, double *da, double *db) {
   *da = b, *db = a;
}
static void d_div(double a, double b, double *da, double *db) {
   *da = 1 / b, *db = -a / (b * b);
}
static void d_pow(double a, double b, double *da, double *db) {
   *da = b == 0 ? 0 : b * pow(a, b - 1);
   *db = a == 0 ? 0 : pow(a, b) * log(a);
}
static void d_max(double a, double b, double *da, double *db) {
   *da = a > b ? 1 : a == b ? 0.5 : 0, *db = 1 - *da;
}
static void d_min(double a, double b, double *da, double *db) {
   *da = a < b ? 1 : a == b ? 0.5 : 0, *db = 1 - *da;
}

static ScStatus forward(ScCall *c, Function f) {
   const ScTensor *a = c->in[0], *b = c->in[1], *y = c->out[0];
   int64_t sa[SC_MAXRANK], sb[SC_MAXRANK], sy[SC_MAXRANK];
   sc_broadcast_strides(a, y, sa), sc_broadcast_strides(b, y, sb), sc_strides(y, sy);
   ScWalk w = {.rank = y->rank, .n = 3, .shape = y->shape, .strides = {sa, sb, sy}};
   do {
      sc_put(y, w.offset[2], f(sc_get(a, w.offset[0]), sc_get(b, w.offset[1])));
   } while (sc_walk_next(&w));
   return SC_OK;
}

static ScStatus backward(ScCall *c, Derivative derivative) {
   const ScTensor *a = c->in[0], *b = c->in[1], *g = c->grad_out[0];
   int64_t sa[SC_MAXRANK], sb[SC_MAXRANK], sg[SC_MAXRANK];
   sc_broadcast_strides(a, g, sa), sc_broadcast_strides(b, g, sb), sc_strides(g, sg);
   for (int i = 0; i < 2; i++)
      if (c->grad_in[i]) SC_TRY(sc_tensor_fill(c->grad_in[i], 0));
   ScWalk w = {.rank = g->rank, .n = 3, .shape = g->shape, .strides = {sa, sb, sg}};
   do {
      // An operand whose values the derivative does not use was not kept.
      double va = a->buffer ? sc_get(a, w.offset[0]) : 0;
      double vb = b->buffer ? sc_get(b, w.offset[1]) : 0;
      double grad = sc_get(g, w.offset[2]), da, db;
      derivative(va, vb, &da, &db);
      if (c->grad_in[0]) sc_add(c->grad_in[0], w.offset[0], grad * da);
      if (c->grad_in[1]) sc_add(c->grad_in[1], w.offset[1], grad * db);
   } while (sc_walk_next(&w));
   return SC_OK;
}

#define BINARY(name, function, derivative)                                                                     \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, function);                                                                             \
   }                                                                                                           \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return backward(c, derivative);                                                                          \
   }                                                                                                           \
   SC_KERNEL(ref, name, .dtypes = SC_NUMBERS, .forward = forward_##name, .backward = backward_##name)

BINARY(add, add, d_add)
BINARY(sub, sub, d_sub)
BINARY(mul, mul, d_mul)
BINARY(div, divide, d_div)
BINARY(pow, pow, d_pow)
BINARY(maximum, larger, d_max)
BINARY(minimum, smaller, d_min)
