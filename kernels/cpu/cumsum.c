// Running sums of float32, in double.
#include "host/ops/cumsum.h"

#include <string.h>

#include "kernels/cpu/clones.h"

enum { STRIP = 256, WORTH_THREADS = 32768 };

// n rows of `width` columns each; `step` leads from one row to the next, backwards where it is negative.
SC_CLONES static void sum_strip(float *restrict y, const float *restrict x, int64_t n, int64_t step,
                                int64_t width) {
   double totals[STRIP] = {0};
   for (int64_t k = 0; k < n; k++)
      for (int64_t i = 0; i < width; i++) {
         totals[i] += x[k * step + i];
         y[k * step + i] = (float)totals[i];
      }
}

static void sum_row(float *restrict y, const float *restrict x, int64_t n, int64_t step) {
   double total = 0;
   for (int64_t k = 0; k < n; k++) {
      total += x[k * step];
      y[k * step] = (float)total;
   }
}

static ScStatus sum_up(const ScCall *c, const ScTensor *from, ScTensor *to, bool from_end) {
   ScAxis a = sc_axis(to, c->attr[SC_CUMSUM_DIM].i);
   const float *x = from->buffer->data;
   float *y = to->buffer->data;
   int64_t strips = (a.inner + STRIP - 1) / STRIP, first = from_end ? (a.n - 1) * a.inner : 0;
   int64_t step = from_end ? -a.inner : a.inner;
#pragma omp parallel for if (a.outer * a.n * a.inner > WORTH_THREADS)
   for (int64_t task = 0; task < a.outer * strips; task++) {
      int64_t i = task % strips * STRIP, at = task / strips * a.n * a.inner + first + i, left = a.inner - i;
      if (a.inner == 1)
         sum_row(y + at, x + at, a.n, step);
      else
         sum_strip(y + at, x + at, a.n, step, left < STRIP ? left : STRIP);
   }
   return SC_OK;
}

SC_KERNEL_OF(cpu, cumsum, 1u << SC_F32, sum_up(c, c->in[0], c->out[0], false),
             sum_up(c, c->grad_out[0], c->grad_in[0], true))
