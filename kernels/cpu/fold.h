// Reductions of float32 of which more is to be known than one sum, and their gradients. Each result is joined
// from chunks in their order, so that it does not depend on the number of threads.
#ifndef SCUTE_CPU_FOLD_H
#define SCUTE_CPU_FOLD_H

#include "host/ops/reduction.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { SC_FOLD_LANES = 16, SC_FOLD_STRIP = 128 };

// What is known of some elements of one result.
typedef struct {
   double a, b;
} ScKnown;

// `p` is whatever the op says, for all elements the same.
typedef struct {
   ScKnown (*row)(const float *x, int64_t n, const double *p); // of n elements side by side
   // Of n rows, `stride` apart, for each of at most SC_FOLD_STRIP neighbouring results.
   void (*strip)(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width, const double *p);
   ScKnown (*join)(ScKnown, int64_t n, ScKnown later, int64_t later_n, const double *p);
   void (*put)(ScCall *, int64_t result, ScKnown, const double *p); // stores result number `result`
} ScFold;

ScStatus sc_fold(ScCall *, const ScFold *, const double *p);

// dx of n elements x. Numbers a and b belong to each element, or the first of them to all (`each` is false).
typedef void (*ScUnfold)(float *dx, const float *x, const float *a, const float *b, int64_t n, bool each,
                         const double *p);
// Says what these are of a result.
typedef void (*ScPrepare)(const ScCall *, int64_t result, float *a, float *b, const double *p);

ScStatus sc_unfold(ScCall *, ScUnfold, ScPrepare, const double *p);

// Makes unfold_NAME: `derivative` of v = the element, a and b.
#define SC_UNFOLD(name, derivative)                                                                            \
   SC_INLINE void unfold_all_##name(float *restrict dx, const float *restrict x, const float *restrict as,     \
                                    const float *restrict bs, int64_t n, bool each, const double *p) {         \
      (void)p;                                                                                                 \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float v = x[i], a = as[each ? i : 0], b = bs[each ? i : 0];                                           \
         (void)v, (void)a, (void)b;                                                                            \
         dx[i] = derivative;                                                                                   \
      }                                                                                                        \
   }                                                                                                           \
   SC_CLONES static void unfold_##name(float *restrict dx, const float *restrict x, const float *restrict as,  \
                                       const float *restrict bs, int64_t n, bool each, const double *p) {      \
      if (each)                                                                                                \
         unfold_all_##name(dx, x, as, bs, n, true, p);                                                         \
      else                                                                                                     \
         unfold_all_##name(dx, x, as, bs, n, false, p);                                                        \
   }

#endif
