// Sums of exp(x - shift), where shift is the largest element of a chunk, or 0 where that is infinite.
#include "host/ops/logsumexp.h"

#include <math.h>

#include "kernels/cpu/fold.h"
#include "kernels/cpu/sum.h"
#include "kernels/cpu/vmath.h"

enum { BLOCK = 256 };

SC_INLINE float shift_of(float top) {
   return isinf(top) ? 0 : top;
}

SC_CLONES static float largest(const float *x, int64_t n) {
   float tops[SC_FOLD_LANES], top = x[0];
   int64_t i = 0;
   for (int j = 0; j < SC_FOLD_LANES; j++) tops[j] = top;
   for (; i + SC_FOLD_LANES <= n; i += SC_FOLD_LANES)
      for (int j = 0; j < SC_FOLD_LANES; j++) tops[j] = x[i + j] > tops[j] ? x[i + j] : tops[j];
   for (; i < n; i++) top = x[i] > top ? x[i] : top;
   for (int j = 0; j < SC_FOLD_LANES; j++) top = tops[j] > top ? tops[j] : top;
   return top;
}

// a: the shift; b: the sum.
SC_CLONES static ScKnown row(const float *x, int64_t n, const double *p) {
   (void)p;
   float shift = shift_of(largest(x, n)), block[BLOCK];
   double total = 0;
   for (int64_t k = 0; k < n; k += BLOCK) {
      int64_t length = n - k < BLOCK ? n - k : BLOCK;
      for (int64_t j = 0; j < length; j++) block[j] = sc_expf(x[k + j] - shift);
      total += sc_sum(block, length);
   }
   return (ScKnown){shift, total};
}

SC_CLONES static void strip(ScKnown *to, const float *x, int64_t n, int64_t stride, int64_t width,
                            const double *p) {
   (void)p;
   float shift[SC_FOLD_STRIP];
   double sums[SC_FOLD_STRIP] = {0};
   for (int64_t i = 0; i < width; i++) shift[i] = x[i];
   for (int64_t k = 1; k < n; k++)
      for (int64_t i = 0; i < width; i++)
         shift[i] = x[k * stride + i] > shift[i] ? x[k * stride + i] : shift[i];
   for (int64_t i = 0; i < width; i++) shift[i] = shift_of(shift[i]);
   for (int64_t k = 0; k < n; k++)
      for (int64_t i = 0; i < width; i++) sums[i] += sc_expf(x[k * stride + i] - shift[i]);
   for (int64_t i = 0; i < width; i++) to[i] = (ScKnown){shift[i], sums[i]};
}

static ScKnown join(ScKnown one, int64_t n, ScKnown later, int64_t later_n, const double *p) {
   (void)n, (void)later_n, (void)p;
   if (!(one.b < INFINITY && later.b < INFINITY)) return (ScKnown){0, one.b + later.b}; // or NaN
   if (one.b == 0 || later.b == 0) return one.b == 0 ? later : one;
   double top = fmax(one.a, later.a);
   return (ScKnown){top, one.b * exp(one.a - top) + later.b * exp(later.a - top)};
}

static void put(ScCall *c, int64_t at, ScKnown all, const double *p) {
   (void)p;
   ((float *)c->out[0]->buffer->data)[at] = (float)(all.a + log(all.b));
   if (!c->saved[0]) return;
   ((float *)c->saved[SC_LOGSUMEXP_SHIFT]->buffer->data)[at] = (float)(isinf(all.b) ? all.b : all.a);
   ((float *)c->saved[SC_LOGSUMEXP_TOTAL]->buffer->data)[at] = (float)all.b;
}

static const ScFold fold = {row, strip, join, put};

SC_UNFOLD(logsumexp, sc_expf(v - a) * b)

static void prepare(const ScCall *c, int64_t at, float *shift, float *factor, const double *p) {
   (void)p;
   *shift = ((float *)c->saved[SC_LOGSUMEXP_SHIFT]->buffer->data)[at];
   *factor =
       ((float *)c->grad_out[0]->buffer->data)[at] / ((float *)c->saved[SC_LOGSUMEXP_TOTAL]->buffer->data)[at];
}

SC_KERNEL_OF(cpu, logsumexp, 1u << SC_F32, sc_fold(c, &fold, NULL),
             sc_unfold(c, unfold_logsumexp, prepare, NULL))
