#include <math.h>

#include "host/ops/broadcast.h"
#include "kernels/ref/view.h"
#include "kernels/ref/walk.h"

typedef double (*Function)(double a, double b);
typedef int64_t (*Whole)(int64_t a,
                         int64_t b); // the same for i64, where results beyond its range end at its ends
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
static double remainder_of(double a, double b) {
   double r = fmod(a, b);
   return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
// By way of the rest: a / b may be rounded up to a whole number.
static double floor_divide(double a, double b) {
   bool has_rest = b != 0 && isfinite(a) && isfinite(b);
   return has_rest ? rint((a - remainder_of(a, b)) / b) : floor(a / b);
}
static double larger(double a, double b) {
   return a > b || a != a ? a : b;
}
static double smaller(double a, double b) {
   return a < b || a != a ? a : b;
}

static int64_t limit(bool negative) {
   return negative ? INT64_MIN : INT64_MAX;
}
static int64_t whole_add(int64_t a, int64_t b) {
   int64_t y;
   return __builtin_add_overflow(a, b, &y) ? limit(a < 0) : y;
}
static int64_t whole_sub(int64_t a, int64_t b) {
   int64_t y;
   return __builtin_sub_overflow(a, b, &y) ? limit(a < 0) : y;
}
static int64_t whole_mul(int64_t a, int64_t b) {
   int64_t y;
   return __builtin_mul_overflow(a, b, &y) ? limit((a < 0) != (b < 0)) : y;
}
static int64_t whole_floor_divide(int64_t a, int64_t b) {
   if (b == -1) return a == INT64_MIN ? INT64_MAX : -a;
   return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static int64_t whole_remainder(int64_t a, int64_t b) {
   if (b == -1) return 0;
   int64_t r = a % b;
   return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t whole_larger(int64_t a, int64_t b) {
   return a > b ? a : b;
}
static int64_t whole_smaller(int64_t a, int64_t b) {
   return a < b ? a : b;
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
static void d_remainder(double a, double b, double *da, double *db) {
   *da = 1, *db = -floor_divide(a, b);
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

static ScStatus forward(ScCall *c, Function f, Whole whole) {
   const ScTensor *a = c->in[0], *b = c->in[1], *y = c->out[0];
   int64_t sa[SC_MAXRANK], sb[SC_MAXRANK], sy[SC_MAXRANK];
   sc_broadcast_strides(a, y, sa), sc_broadcast_strides(b, y, sb), sc_strides(y, sy);
   ScWalk w = {.rank = y->rank, .n = 3, .shape = y->shape, .strides = {sa, sb, sy}};
   bool is_whole = y->dtype == SC_I64;
   do {
      if (is_whole)
         sc_whole(y)[w.offset[2]] = whole(sc_whole(a)[w.offset[0]], sc_whole(b)[w.offset[1]]);
      else
         sc_put(y, w.offset[2], f(sc_get(a, w.offset[0]), sc_get(b, w.offset[1])));
   } while (sc_walk_next(&w));
   return SC_OK;
}

static ScStatus backward(ScCall *c, Derivative derivative) {
   const ScTensor *a = c->in[0], *b = c->in[1], *g = c->grad_out[0];
   int64_t sa[SC_MAXRANK], sb[SC_MAXRANK], sg[SC_MAXRANK];
   sc_broadcast_strides(a, g, sa), sc_broadcast_strides(b, g, sb), sc_strides(g, sg);
   ScView sums[] = {SC_WRITE(c->grad_in[0]),
                    SC_WRITE(c->grad_in[1])}; // a stretched operand collects many terms
   SC_TRY(sc_views_open(sums, 2));
   ScWalk w = {.rank = g->rank, .n = 3, .shape = g->shape, .strides = {sa, sb, sg}};
   do {
      // An operand whose values the derivative does not use was not kept.
      double va = a->buffer ? sc_get(a, w.offset[0]) : 0;
      double vb = b->buffer ? sc_get(b, w.offset[1]) : 0;
      double grad = sc_get(g, w.offset[2]), da, db;
      derivative(va, vb, &da, &db);
      if (sums[0].v) sums[0].v[w.offset[0]] += grad * da;
      if (sums[1].v) sums[1].v[w.offset[1]] += grad * db;
   } while (sc_walk_next(&w));
   sc_views_close(sums, 2);
   return SC_OK;
}

#define BINARY(name, accepted, function, whole, derivative)                                                    \
   SC_KERNEL_OF(ref, name, accepted, forward(c, function, whole), backward(c, derivative))

BINARY(add, SC_NUMBERS, add, whole_add, d_add)
BINARY(sub, SC_NUMBERS, sub, whole_sub, d_sub)
BINARY(mul, SC_NUMBERS, mul, whole_mul, d_mul)
BINARY(div, SC_FLOATS, divide, NULL, d_div)
static ScStatus forward_floor_divide(ScCall *c) {
   return forward(c, floor_divide, whole_floor_divide);
}
SC_KERNEL(ref, floor_divide, .dtypes = SC_NUMBERS, .forward = forward_floor_divide)
BINARY(remainder, SC_NUMBERS, remainder_of, whole_remainder, d_remainder)
BINARY(pow, SC_FLOATS, pow, NULL, d_pow)
BINARY(maximum, SC_NUMBERS, larger, whole_larger, d_max)
BINARY(minimum, SC_NUMBERS, smaller, whole_smaller, d_min)
