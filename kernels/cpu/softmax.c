// Softmax of float32. Rows that are spread in memory are gathered first; very long ones are left to ref.
#include "kernels/cpu/softmax.h"

#include <math.h>

#include "host/core/op.h"
#include "host/ops/axis.h"
#include "host/ops/softmax.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/sum.h"
#include "kernels/cpu/vmath.h"

enum { WORTH_THREADS = 8192, STACK_ROW = 1024 };

static float largest(const float *x, int64_t n) {
   float top = x[0];
   for (int64_t k = 1; k < n; k++) top = x[k] > top ? x[k] : top;
   return top;
}

SC_CLONES static void exp_of_difference(float *y, const float *x, float shift, int64_t n) {
   for (int64_t k = 0; k < n; k++) y[k] = sc_expf(x[k] - shift);
}

SC_CLONES static double sum_of_exp(const float *x, float shift, int64_t n) {
   double total = 0;
   float block[256];
   for (int64_t k = 0; k < n; k += 256) {
      int64_t length = n - k < 256 ? n - k : 256;
      for (int64_t j = 0; j < length; j++) block[j] = sc_expf(x[k + j] - shift);
      total += sc_sum(block, length);
   }
   return total;
}

void sc_softmax_row(float *y, const float *x, int64_t n, bool log_scale) {
   float top = largest(x, n);
   if (log_scale) {
      float norm = (float)log(sum_of_exp(x, top, n));
      for (int64_t k = 0; k < n; k++) y[k] = x[k] - top - norm;
   } else {
      exp_of_difference(y, x, top, n);
      float scale = (float)(1 / sc_sum(y, n));
      for (int64_t k = 0; k < n; k++) y[k] *= scale;
   }
}

// softmax: dx = y (g - sum(g y)); log_softmax: dx = g - exp(y) sum(g). dx may be g.
SC_CLONES static void gradient_row(float *dx, const float *g, const float *y, int64_t n, bool log_scale) {
   if (log_scale) {
      float total = (float)sc_sum(g, n);
      for (int64_t k = 0; k < n; k++) dx[k] = g[k] - sc_expf(y[k]) * total;
   } else {
      double exact = 0;
      for (int64_t k = 0; k < n; k++) exact += (double)g[k] * y[k];
      float total = (float)exact;
      for (int64_t k = 0; k < n; k++) dx[k] = y[k] * (g[k] - total);
   }
}

static void gather(float *row, const float *x, int64_t n, int64_t step) { // n is at least 1
   int64_t k = 0;
   do row[k] = x[k * step];
   while (++k < n);
}

static void scatter(float *x, const float *row, int64_t n, int64_t step) {
   for (int64_t k = 0; k < n; k++) x[k * step] = row[k];
}

static void forward_spread(float *y, const float *x, ScAxis a, bool log_scale) {
   float row[STACK_ROW];
   gather(row, x, a.n, a.inner);
   sc_softmax_row(row, row, a.n, log_scale);
   scatter(y, row, a.n, a.inner);
}

static void backward_spread(float *dx, const float *g, const float *y, ScAxis a, bool log_scale) {
   float row_g[STACK_ROW], row_y[STACK_ROW];
   gather(row_g, g, a.n, a.inner);
   gather(row_y, y, a.n, a.inner);
   gradient_row(row_g, row_g, row_y, a.n, log_scale);
   scatter(dx, row_g, a.n, a.inner);
}

static bool is_large(ScAxis a) {
   return a.outer * a.n * a.inner > WORTH_THREADS;
}
static int64_t start_of(ScAxis a, int64_t row) {
   return row / a.inner * a.n * a.inner + row % a.inner;
}

static ScStatus forward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_SOFTMAX_DIM].i);
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
   if (a.inner > 1 && a.n > STACK_ROW) return SC_EUNSUPPORTED;
#pragma omp parallel for if (is_large(a))
   for (int64_t row = 0; row < a.outer * a.inner; row++) {
      int64_t at = start_of(a, row);
      if (a.inner == 1)
         sc_softmax_row(y + at, x + at, a.n, log_scale);
      else
         forward_spread(y + at, x + at, a, log_scale);
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->out[0], c->attr[SC_SOFTMAX_DIM].i);
   const float *y = c->out[0]->buffer->data, *g = c->grad_out[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
   if (a.inner > 1 && a.n > STACK_ROW) return SC_EUNSUPPORTED;
#pragma omp parallel for if (is_large(a))
   for (int64_t row = 0; row < a.outer * a.inner; row++) {
      int64_t at = start_of(a, row);
      if (a.inner == 1)
         gradient_row(dx + at, g + at, y + at, a.n, log_scale);
      else
         backward_spread(dx + at, g + at, y + at, a, log_scale);
   }
   return SC_OK;
}

SC_KERNEL_OF(cpu, softmax, 1u << SC_F32, forward(c, false), backward(c, false))
SC_KERNEL_OF(cpu, log_softmax, 1u << SC_F32, forward(c, true), backward(c, true))
