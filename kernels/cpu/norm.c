// Norms: sums of powers in double, which squares of float32 do not leave; extremes with how many there are.
#include "host/ops/norm.h"

#include "kernels/cpu/fold.h"

// ---- sums of `term` of v, a magnitude ----

#define SUM(name, term)                                                                                        \
   SC_CLONES static ScKnown row_##name(const float *x, int64_t n, const double *p) {                           \
      (void)p;                                                                                                 \
      double sums[SC_FOLD_LANES] = {0}, sum = 0;                                                               \
      int64_t i = 0;                                                                                           \
      for (; i + SC_FOLD_LANES <= n; i += SC_FOLD_LANES)                                                       \
         for (int j = 0; j < SC_FOLD_LANES; j++) {                                                             \
            double v = fabsf(x[i + j]);                                                                        \
            sums[j] += term;                                                                                   \
         }                                                                                                     \
      for (; i < n; i++) {                                                                                     \
         double v = fabsf(x[i]);                                                                               \
         sum += term;                                                                                          \
      }                                                                                                        \
      for (int j = 0; j < SC_FOLD_LANES; j++) sum += sums[j];                                                  \
      return (ScKnown){sum, 0};                                                                                \
   }                                                                                                           \
   SC_CLONES static void strip_##name(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width,   \
                                      const double *p) {                                                       \
      (void)p;                                                                                                 \
      double sums[SC_FOLD_STRIP] = {0};                                                                        \
      for (int64_t k = 0; k < n; k++)                                                                          \
         for (int64_t i = 0; i < width; i++) {                                                                 \
            double v = fabsf(x[k * stride + i]);                                                               \
            sums[i] += term;                                                                                   \
         }                                                                                                     \
      for (int64_t i = 0; i < width; i++) to[i] = (ScKnown){sums[i], 0};                                       \
   }

SUM(count, v != 0)
SUM(sum, v)
SUM(squares, v *v)
SUM(cubes, v *v *v)
SUM(powers, pow(v, *p))

static ScKnown add(ScKnown one, int64_t n, ScKnown later, int64_t later_n, const double *p) {
   (void)n, (void)later_n, (void)p;
   return (ScKnown){one.a + later.a, 0};
}

// ---- extremes: a is the magnitude, b how many have it; a NaN beats all ----

#define EXTREME(name, better)                                                                                  \
   SC_INLINE bool beats_##name(float v, float best) {                                                          \
      return v better best || (v != v && best == best);                                                        \
   }                                                                                                           \
   SC_CLONES static ScKnown row_##name(const float *x, int64_t n, const double *p) {                           \
      (void)p;                                                                                                 \
      float tops[SC_FOLD_LANES], best = fabsf(x[0]);                                                           \
      int64_t count = 0, i = 0;                                                                                \
      for (int j = 0; j < SC_FOLD_LANES; j++) tops[j] = best;                                                  \
      for (; i + SC_FOLD_LANES <= n; i += SC_FOLD_LANES)                                                       \
         for (int j = 0; j < SC_FOLD_LANES; j++) {                                                             \
            float v = fabsf(x[i + j]);                                                                         \
            tops[j] = beats_##name(v, tops[j]) ? v : tops[j];                                                  \
         }                                                                                                     \
      for (int j = 0; j < SC_FOLD_LANES; j++) best = beats_##name(tops[j], best) ? tops[j] : best;             \
      for (; i < n; i++) best = beats_##name(fabsf(x[i]), best) ? fabsf(x[i]) : best;                          \
      for (i = 0; i < n; i++) count += fabsf(x[i]) == best;                                                    \
      return (ScKnown){best, (double)count};                                                                   \
   }                                                                                                           \
   SC_CLONES static void strip_##name(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width,   \
                                      const double *p) {                                                       \
      (void)p;                                                                                                 \
      float tops[SC_FOLD_STRIP], counts[SC_FOLD_STRIP] = {0};                                                  \
      for (int64_t i = 0; i < width; i++) tops[i] = fabsf(x[i]);                                               \
      for (int64_t k = 0; k < n; k++)                                                                          \
         for (int64_t i = 0; i < width; i++) {                                                                 \
            float v = fabsf(x[k * stride + i]);                                                                \
            bool beats = beats_##name(v, tops[i]);                                                             \
            counts[i] = beats ? 1 : counts[i] + (float)(v == tops[i]);                                         \
            tops[i] = beats ? v : tops[i];                                                                     \
         }                                                                                                     \
      for (int64_t i = 0; i < width; i++) to[i] = (ScKnown){tops[i], counts[i]};                               \
   }                                                                                                           \
   static ScKnown join_##name(ScKnown one, int64_t n, ScKnown later, int64_t later_n, const double *p) {       \
      (void)n, (void)later_n, (void)p;                                                                         \
      if (one.a == later.a) return (ScKnown){one.a, one.b + later.b};                                          \
      return beats_##name((float)later.a, (float)one.a) ? later : one;                                         \
   }

EXTREME(largest, >)
EXTREME(smallest, <)

// ---- results ----

static void put(ScCall *c, int64_t at, ScKnown all, const double *p) {
   ScNorm norm = sc_norm_of(*p);
   double y = norm == SC_NORM_SQUARES ? sqrt(all.a) : norm == SC_NORM_POWERS ? pow(all.a, 1 / *p) : all.a;
   ((float *)c->out[0]->buffer->data)[at] = (float)y;
   if (c->saved[SC_NORM_RESULT]) ((float *)c->saved[SC_NORM_RESULT]->buffer->data)[at] = (float)y;
   if (c->saved[SC_NORM_TIES]) ((float *)c->saved[SC_NORM_TIES]->buffer->data)[at] = (float)all.b;
}

static const ScFold folds[] = {
    [SC_NORM_COUNT] = {row_count, strip_count, add, put},
    [SC_NORM_SUM] = {row_sum, strip_sum, add, put},
    [SC_NORM_SQUARES] = {row_squares, strip_squares, add, put},
    [SC_NORM_POWERS] = {row_powers, strip_powers, add, put},
    [SC_NORM_MAX] = {row_largest, strip_largest, join_largest, put},
    [SC_NORM_MIN] = {row_smallest, strip_smallest, join_smallest, put},
};

static ScStatus forward(ScCall *c) {
   static const ScFold cubes = {row_cubes, strip_cubes, add, put};
   double p = c->attr[SC_NORM_P].f;
   return sc_fold(c, p == 3 ? &cubes : &folds[sc_norm_of(p)], &p);
}

// ---- gradients: a is the result (1 where it is 0), b the gradient, or what all elements have of it ----

SC_INLINE float sign_of(float v) {
   return v > 0 ? 1 : v < 0 ? -1 : v;
}

SC_UNFOLD(nothing, 0)
SC_UNFOLD(sum, sign_of(v) * b)
SC_UNFOLD(squares, v *b)
SC_UNFOLD(cubes, (v / a) * fabsf(v / a) * b)
SC_UNFOLD(powers, v == 0 ? 0 : (float)pow(fabsf(v) / a, *p - 1) * sign_of(v) * b)
SC_UNFOLD(extreme, fabsf(v) == a || v != v ? sign_of(v) * b : 0)

static void prepare(const ScCall *c, int64_t at, float *a, float *b, const double *p) {
   float y = ((float *)c->saved[SC_NORM_RESULT]->buffer->data)[at],
         g = ((float *)c->grad_out[0]->buffer->data)[at];
   ScNorm norm = sc_norm_of(*p);
   *a = y, *b = g;
   if (norm == SC_NORM_MAX || norm == SC_NORM_MIN)
      *b = g / ((float *)c->saved[SC_NORM_TIES]->buffer->data)[at];
   else if (norm == SC_NORM_SQUARES)
      *b = y == 0 ? 0 : g / y;
   else if (norm == SC_NORM_POWERS && y == 0)
      *a = 1, *b = 0;
}

static ScStatus backward(ScCall *c) {
   static const ScUnfold unfolds[] = {
       [SC_NORM_COUNT] = unfold_nothing, [SC_NORM_SUM] = unfold_sum,     [SC_NORM_SQUARES] = unfold_squares,
       [SC_NORM_POWERS] = unfold_powers, [SC_NORM_MAX] = unfold_extreme, [SC_NORM_MIN] = unfold_extreme,
   };
   double p = c->attr[SC_NORM_P].f;
   return sc_unfold(c, p == 3 ? unfold_cubes : unfolds[sc_norm_of(p)], prepare, &p);
}

SC_KERNEL(cpu, norm, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
