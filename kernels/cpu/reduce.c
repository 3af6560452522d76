// Reductions of float32. Sums are made in double and in an order that does not depend on the number of threads.
#include "host/ops/reduction.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/sum.h"

enum { CHUNK = 16384, STRIP = 256, WORTH_THREADS = 32768 };

static ScAxis axis_of(const ScCall *c) {
   return sc_axis(c->in[0], SC_REDUCED);
}
static bool is_large(ScAxis a) {
   return a.outer * a.n * a.inner > WORTH_THREADS;
}
static int64_t shorter(int64_t a, int64_t b) {
   return a < b ? a : b;
}

// One long row: partial sums of chunks, added up in their order.
static ScStatus sum_all(float *y, const float *x, int64_t n, double factor) {
   int64_t chunks = (n + CHUNK - 1) / CHUNK;
   double *partial = malloc((size_t)chunks * sizeof *partial), total = 0;
   if (!partial) return sc_fail(SC_EMEM, "out of memory");
#pragma omp parallel for if (chunks > 2)
   for (int64_t i = 0; i < chunks; i++) partial[i] = sc_sum(x + i * CHUNK, shorter(CHUNK, n - i * CHUNK));
   for (int64_t i = 0; i < chunks; i++) total += partial[i];
   free(partial);
   *y = (float)(total * factor);
   return SC_OK;
}

static void sum_rows(float *y, const float *x, ScAxis a, double factor) {
#pragma omp parallel for if (is_large(a))
   for (int64_t o = 0; o < a.outer; o++) y[o] = (float)(sc_sum(x + o * a.n, a.n) * factor);
}

// A strip of at most STRIP neighbouring columns, each over its axis of n.
SC_CLONES static void sum_strip(float *y, const float *x, int64_t n, int64_t stride, int64_t width,
                                double factor) {
   double total[STRIP] = {0};
   for (int64_t k = 0; k < n; k++)
      for (int64_t i = 0; i < width; i++) total[i] += x[k * stride + i];
   for (int64_t i = 0; i < width; i++) y[i] = (float)(total[i] * factor);
}

static void sum_columns(float *y, const float *x, ScAxis a, double factor) {
   int64_t strips = (a.inner + STRIP - 1) / STRIP;
#pragma omp parallel for if (is_large(a))
   for (int64_t task = 0; task < a.outer * strips; task++) {
      int64_t o = task / strips, i = task % strips * STRIP;
      sum_strip(y + o * a.inner + i, x + o * a.n * a.inner + i, a.n, a.inner, shorter(STRIP, a.inner - i),
                factor);
   }
}

static ScStatus sum(ScCall *c, bool mean) {
   ScAxis a = axis_of(c);
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
   double factor = mean ? 1 / (double)a.n : 1;
   if (a.outer * a.inner == 1) return sum_all(y, x, a.n, factor);
   if (a.inner == 1)
      sum_rows(y, x, a, factor);
   else
      sum_columns(y, x, a, factor);
   return SC_OK;
}

static void fill(float *dx, float value, int64_t n) {
   for (int64_t i = 0; i < n; i++) dx[i] = value;
}

static ScStatus spread(ScCall *c, bool mean) {
   ScAxis a = axis_of(c);
   const float *g = c->grad_out[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data, factor = mean ? (float)(1 / (double)a.n) : 1;
   if (a.inner == 1) {
      int64_t blocks = (a.n + CHUNK - 1) / CHUNK;
#pragma omp parallel for if (is_large(a))
      for (int64_t task = 0; task < a.outer * blocks; task++) {
         int64_t o = task / blocks, at = task % blocks * CHUNK;
         fill(dx + o * a.n + at, g[o] * factor, shorter(CHUNK, a.n - at));
      }
      return SC_OK;
   }
#pragma omp parallel for if (is_large(a))
   for (int64_t row = 0; row < a.outer * a.n; row++)
      for (int64_t i = 0; i < a.inner; i++) dx[row * a.inner + i] = g[row / a.n * a.inner + i] * factor;
   return SC_OK;
}

SC_KERNEL_OF(cpu, sum, 1u << SC_F32, sum(c, false), spread(c, false))
SC_KERNEL_OF(cpu, mean, 1u << SC_F32, sum(c, true), spread(c, true))

// ---- extremes ----

// The first k with the largest value times sign; a NaN beats everything.
static int64_t winner(const float *x, int64_t n, int64_t step, float sign) {
   int64_t best = 0;
   float top = sign * x[0];
   for (int64_t k = 1; k < n && top == top; k++) {
      float value = sign * x[k * step];
      if (!(value <= top)) best = k, top = value;
   }
   return best;
}

static ScStatus find(ScCall *c, float sign, bool index) {
   ScAxis a = axis_of(c);
   const float *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   int64_t *saved = c->saved[0] ? c->saved[0]->buffer->data : NULL;
#pragma omp parallel for if (is_large(a))
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      const float *start = x + at / a.inner * a.n * a.inner + at % a.inner;
      int64_t best = winner(start, a.n, a.inner, sign);
      if (index)
         ((int64_t *)y)[at] = best + 1;
      else
         ((float *)y)[at] = start[best * a.inner];
      if (saved) saved[at] = best;
   }
   return SC_OK;
}

static ScStatus backward_extreme(ScCall *c) {
   ScAxis a = axis_of(c);
   const float *g = c->grad_out[0]->buffer->data;
   const int64_t *best = c->saved[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
   memset(dx, 0, sc_nbytes(c->grad_in[0]));
   for (int64_t at = 0; at < a.outer * a.inner; at++)
      dx[(at / a.inner * a.n + best[at]) * a.inner + at % a.inner] = g[at];
   return SC_OK;
}

static ScStatus forward_max(ScCall *c) {
   return find(c, 1, false);
}
static ScStatus forward_min(ScCall *c) {
   return find(c, -1, false);
}
static ScStatus forward_argmax(ScCall *c) {
   return find(c, 1, true);
}
static ScStatus forward_argmin(ScCall *c) {
   return find(c, -1, true);
}

SC_KERNEL(cpu, max, .dtypes = 1u << SC_F32, .forward = forward_max, .backward = backward_extreme)
SC_KERNEL(cpu, min, .dtypes = 1u << SC_F32, .forward = forward_min, .backward = backward_extreme)
SC_KERNEL(cpu, argmax, .dtypes = 1u << SC_F32, .forward = forward_argmax)
SC_KERNEL(cpu, argmin, .dtypes = 1u << SC_F32, .forward = forward_argmin)
