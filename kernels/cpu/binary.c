// Arithmetic on two float32 or bfloat16 operands with broadcasting.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/ops/broadcast.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/loop.h"

// One inner run: y[i] of a[i * sa] and b[i * sb].
typedef void (*Run)(void *y, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n, bool half);
// The same for g[i] times the derivative by one of the operands; y is f32 if `wide`.
typedef void (*Derivative)(void *y, const void *g, const void *a, int64_t sa, const void *b, int64_t sb,
                           int64_t n, bool half, bool wide);

static ScStatus forward(ScCall *c, Run run) {
   const ScTensor *a = c->in[0], *b = c->in[1], *y = c->out[0];
   int64_t strides[3][SC_MAXRANK];
   sc_strides(y, strides[0]), sc_broadcast_strides(a, y, strides[1]), sc_broadcast_strides(b, y, strides[2]);
   ScLoop loop;
   sc_loop_init(&loop, y->rank, y->shape, 3, strides);
   int64_t sa = sc_loop_step(&loop, 1), sb = sc_loop_step(&loop, 2);
   bool half = sc_is_half(y);
#pragma omp parallel for if (sc_loop_is_large(&loop))
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX], n = sc_loop_task(&loop, task, at);
      run(sc_past(y->buffer->data, at[0], half), sc_past(a->buffer->data, at[1], half), sa,
          sc_past(b->buffer->data, at[2], half), sb, n, half);
   }
   return SC_OK;
}

// ---- backward: for each operand, a pass over the gradient in the order of a loop of (g, a, b, operand) ----

typedef struct {
   ScLoop loop;
   bool half;
   const void *g, *a, *b; // a or b is NULL if the derivative does not need it
   void *to;
   Derivative derivative;
} Pass;

// Into the operand's gradient, or into `sums` in f32.
static int64_t derive(const Pass *p, int64_t task, int64_t at[SC_LOOP_MAX], float *sums) {
   int64_t n = sc_loop_task(&p->loop, task, at);
   p->derivative(sums ? sums : sc_past(p->to, at[3], p->half), sc_past(p->g, at[0], p->half),
                 p->a ? sc_past(p->a, at[1], p->half) : NULL, sc_loop_step(&p->loop, 1),
                 p->b ? sc_past(p->b, at[2], p->half) : NULL, sc_loop_step(&p->loop, 2), n, p->half,
                 sums != NULL);
   return n;
}

static void pass_plain(const Pass *p) {
#pragma omp parallel for if (sc_loop_is_large(&p->loop))
   for (int64_t task = 0; task < p->loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX];
      derive(p, task, at, NULL);
   }
}

SC_CLONES static void accumulate(double *to, int64_t step, const float *from, int64_t n) {
   if (step == 0) {
      double total = 0;
      for (int64_t i = 0; i < n; i++) total += from[i];
      *to += total;
   } else {
      for (int64_t i = 0; i < n; i++) to[i * step] += from[i];
   }
}

// The outermost dimension in which the operand is not stretched: its indices write to different places, so
// threads can share them. -1 if only the inner run moves it, or nothing.
static int dimension_to_share(const ScLoop *loop) {
   for (int d = 0; d < loop->rank - 1; d++)
      if (loop->stride[3][d] != 0) return d;
   return -1;
}

// Sums in double, because a stretched operand may collect millions of terms.
static void pass_summed(const Pass *p, double *sums) {
   const ScLoop *loop = &p->loop;
   int shared = dimension_to_share(loop);
   int64_t after = loop->blocks, slices = shared < 0 ? 1 : loop->size[shared];
   for (int d = shared + 1; shared >= 0 && d < loop->rank - 1; d++) after *= loop->size[d];
   if (shared < 0) after = loop->tasks;
   int64_t before = loop->tasks / (after * slices);
#pragma omp parallel for if (slices > 1 && sc_loop_is_large(loop))
   for (int64_t slice = 0; slice < slices; slice++) {
      float run[SC_LOOP_BLOCK];
      for (int64_t i = 0; i < before * after; i++) {
         int64_t at[SC_LOOP_MAX], task = (i / after * slices + slice) * after + i % after;
         int64_t n = derive(p, task, at, run);
         accumulate(sums + at[3], sc_loop_step(loop, 3), run, n);
      }
   }
}

static ScStatus backward_operand(ScCall *c, int operand, Derivative derivative) {
   const ScTensor *g = c->grad_out[0], *to = c->grad_in[operand];
   int64_t strides[4][SC_MAXRANK], numel = sc_numel(to);
   sc_strides(g, strides[0]);
   for (int i = 0; i < 2; i++) sc_broadcast_strides(c->in[i], g, strides[1 + i]);
   sc_broadcast_strides(to, g, strides[3]);
   Pass pass = {.half = sc_is_half(g),
                .g = g->buffer->data,
                .a = c->in[0]->buffer ? c->in[0]->buffer->data : NULL,
                .b = c->in[1]->buffer ? c->in[1]->buffer->data : NULL,
                .to = to->buffer->data,
                .derivative = derivative};
   sc_loop_init(&pass.loop, g->rank, g->shape, 4, strides);
   if (numel == sc_numel(g) && sc_loop_step(&pass.loop, 3) == 1) {
      pass_plain(&pass);
      return SC_OK;
   }
   double *sums = calloc((size_t)numel, sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory");
   pass_summed(&pass, sums);
   for (int64_t i = 0; i < numel; i++) sc_set(pass.to, i, pass.half, (float)sums[i]);
   free(sums);
   return SC_OK;
}

static ScStatus backward(ScCall *c, Derivative by_a, Derivative by_b) {
   if (c->grad_in[0]) SC_TRY(backward_operand(c, 0, by_a));
   return c->grad_in[1] ? backward_operand(c, 1, by_b) : SC_OK;
}

// ---- the functions ----

// Each function and its derivatives times the gradient g, of single elements; inlined into the loops below.
typedef float Element(float g, float a, float b); // g is 0 in the functions themselves

static inline float add(float g, float a, float b) {
   return (void)g, a + b;
}
static inline float sub(float g, float a, float b) {
   return (void)g, a - b;
}
static inline float mul(float g, float a, float b) {
   return (void)g, a * b;
}
static inline float divide(float g, float a, float b) {
   return (void)g, a / b;
}
// Of a rest that has the sign of a.
static inline float with_sign_of(float b, float r) {
   bool turned = (r != 0) & ((r < 0) != (b < 0));
   return turned ? r + b : r;
}
// Where the quotient is below 2^28; else NaN. What it lacks to the next whole number is then 2^-52 of it at
// least, so that it is not rounded to that in double, and the product and the difference are exact.
static inline float quick_remainder(float g, float a, float b) {
   double quotient = trunc((double)a / b);
   bool exact = (fabs(quotient) < 0x1p28) & (fabsf(b) < INFINITY);
   float rest = with_sign_of(b, copysignf((float)(a - quotient * b), a));
   return (void)g, exact ? rest : NAN;
}
// fmodf takes a step for each bit of the quotient.
static inline float remainder_of(float g, float a, float b) {
   float quick = quick_remainder(g, a, b);
   return quick == quick ? quick : with_sign_of(b, fmodf(a, b));
}
// By way of the rest: a / b may be rounded up to a whole number.
static inline float floor_divide(float g, float a, float b) {
   bool has_rest = b != 0 && isfinite(a) && isfinite(b);
   return has_rest ? rintf((a - remainder_of(g, a, b)) / b) : floorf(a / b);
}
static inline float power(float g, float a, float b) {
   return (void)g, powf(a, b);
}
static inline float larger(float g, float a, float b) {
   return (void)g, a > b || a != a ? a : b;
}
static inline float smaller(float g, float a, float b) {
   return (void)g, a < b || a != a ? a : b;
}

static inline float times_a(float g, float a, float b) {
   return (void)b, g * a;
}
static inline float times_b(float g, float a, float b) {
   return (void)a, g * b;
}
static inline float divide_by_a(float g, float a, float b) {
   return (void)a, g / b;
}
static inline float divide_by_b(float g, float a, float b) {
   return -g * a / (b * b);
}
static inline float as_it_is(float g, float a, float b) {
   return (void)a, (void)b, g;
}
static inline float times_minus_quotient(float g, float a, float b) {
   return -g * floor_divide(g, a, b);
}
static inline float power_by_a(float g, float a, float b) {
   return b == 0 ? 0 : g * b * powf(a, b - 1);
}
static inline float power_by_b(float g, float a, float b) {
   return a == 0 ? 0 : g * powf(a, b) * logf(a);
}
static inline float where_larger_a(float g, float a, float b) {
   return a > b ? g : a == b ? 0.5f * g : 0;
}
static inline float where_larger_b(float g, float a, float b) {
   return b > a ? g : a == b ? 0.5f * g : 0;
}

// What a run is compiled for: bf16 elements, and for derivatives an f32 result all the same.
typedef struct {
   bool half, wide, gradient;
} Kind;

SC_INLINE float element(Element f, Kind k, const void *g, const void *a, int64_t ia, const void *b, int64_t ib,
                        int64_t i) {
   return f(k.gradient ? sc_at(g, i, k.half) : 0, sc_at(a, ia, k.half), sc_at(b, ib, k.half));
}

// The usual steps get loops of their own, which vectorise.
SC_INLINE void apply(Element f, Kind k, void *restrict y, const void *g, const void *a, int64_t sa,
                     const void *b, int64_t sb, int64_t n) {
   bool half = k.half && !k.wide;
   if (sa == 1 && sb == 1) {
      for (int64_t i = 0; i < n; i++) sc_set(y, i, half, element(f, k, g, a, i, b, i, i));
   } else if (sa == 1 && sb == 0) {
      for (int64_t i = 0; i < n; i++) sc_set(y, i, half, element(f, k, g, a, i, b, 0, i));
   } else {
      for (int64_t i = 0; i < n; i++) sc_set(y, i, half, element(f, k, g, a, i * sa, b, i * sb, i));
   }
}

#define RUN(name, element)                                                                                     \
   SC_CLONES static void run_##name(void *restrict y, const void *a, int64_t sa, const void *b, int64_t sb,    \
                                    int64_t n, bool half) {                                                    \
      if (half)                                                                                                \
         apply(element, (Kind){true, false, false}, y, NULL, a, sa, b, sb, n);                                 \
      else                                                                                                     \
         apply(element, (Kind){false, false, false}, y, NULL, a, sa, b, sb, n);                                \
   }

#define FUNCTION(name, element)                                                                                \
   RUN(name, element)                                                                                          \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, run_##name);                                                                           \
   }

#define DERIVATIVE(name, element)                                                                              \
   SC_CLONES static void name(void *restrict y, const void *g, const void *a, int64_t sa, const void *b,       \
                              int64_t sb, int64_t n, bool half, bool wide) {                                   \
      if (half && wide)                                                                                        \
         apply(element, (Kind){true, true, true}, y, g, a, sa, b, sb, n);                                      \
      else if (half)                                                                                           \
         apply(element, (Kind){true, false, true}, y, g, a, sa, b, sb, n);                                     \
      else                                                                                                     \
         apply(element, (Kind){false, false, true}, y, g, a, sa, b, sb, n);                                    \
   }

#define BINARY(name, element, by_a, by_b)                                                                      \
   FUNCTION(name, element)                                                                                     \
   DERIVATIVE(name##_by_a, by_a)                                                                               \
   DERIVATIVE(name##_by_b, by_b)                                                                               \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return backward(c, name##_by_a, name##_by_b);                                                            \
   }                                                                                                           \
   SC_KERNEL(cpu, name, SC_F32_AND_BF16, .forward = forward_##name, .backward = backward_##name)

// Sums do not look at the operands, which were not kept.
SC_CLONES static void pass_times(float sign, void *restrict y, const void *g, int64_t n, bool half, bool wide) {
   if (half && wide)
      for (int64_t i = 0; i < n; i++) sc_set(y, i, false, sign * sc_at(g, i, true));
   else if (half)
      for (int64_t i = 0; i < n; i++) sc_set(y, i, true, sign * sc_at(g, i, true));
   else
      for (int64_t i = 0; i < n; i++) sc_set(y, i, false, sign * sc_at(g, i, false));
}

static void pass_on(void *y, const void *g, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n,
                    bool half, bool wide) {
   (void)a, (void)sa, (void)b, (void)sb;
   pass_times(1, y, g, n, half, wide);
}

static void pass_negated(void *y, const void *g, const void *a, int64_t sa, const void *b, int64_t sb,
                         int64_t n, bool half, bool wide) {
   (void)a, (void)sa, (void)b, (void)sb;
   pass_times(-1, y, g, n, half, wide);
}

FUNCTION(add, add)
static ScStatus backward_add(ScCall *c) {
   return backward(c, pass_on, pass_on);
}
SC_KERNEL(cpu, add, SC_F32_AND_BF16, .forward = forward_add, .backward = backward_add)

FUNCTION(sub, sub)
static ScStatus backward_sub(ScCall *c) {
   return backward(c, pass_on, pass_negated);
}
SC_KERNEL(cpu, sub, SC_F32_AND_BF16, .forward = forward_sub, .backward = backward_sub)

BINARY(mul, mul, times_b, times_a)
BINARY(div, divide, divide_by_a, divide_by_b)
FUNCTION(floor_divide, floor_divide)
SC_KERNEL(cpu, floor_divide, SC_F32_AND_BF16, .forward = forward_floor_divide)

// Quick ones in a loop that vectorises, then the others.
RUN(quick_remainder, quick_remainder)
static void run_remainder(void *restrict y, const void *a, int64_t sa, const void *b, int64_t sb, int64_t n,
                          bool half) {
   run_quick_remainder(y, a, sa, b, sb, n, half);
   for (int64_t i = 0; i < n; i++)
      if (isnan(sc_at(y, i, half)))
         sc_set(y, i, half, remainder_of(0, sc_at(a, i * sa, half), sc_at(b, i * sb, half)));
}
static ScStatus forward_remainder(ScCall *c) {
   return forward(c, run_remainder);
}
DERIVATIVE(remainder_by_a, as_it_is)
DERIVATIVE(remainder_by_b, times_minus_quotient)
static ScStatus backward_remainder(ScCall *c) {
   return backward(c, remainder_by_a, remainder_by_b);
}
SC_KERNEL(cpu, remainder, SC_F32_AND_BF16, .forward = forward_remainder, .backward = backward_remainder)

BINARY(pow, power, power_by_a, power_by_b)
BINARY(maximum, larger, where_larger_a, where_larger_b)
BINARY(minimum, smaller, where_larger_b, where_larger_a)
