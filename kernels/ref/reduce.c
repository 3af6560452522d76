#include "host/ops/reduction.h"

#include "host/core/transfer.h"
#include "kernels/ref/walk.h"

// i64 of i64, all digits; beyond its range a sum ends at its ends.
static int64_t whole_sum(const ScTensor *x, int64_t start, int64_t n, int64_t step) {
   __int128 total = 0;
   for (int64_t k = 0; k < n; k++) total += sc_whole(x)[start + k * step];
   return total > INT64_MAX ? INT64_MAX : total < INT64_MIN ? INT64_MIN : (int64_t)total;
}

static ScStatus add_up(ScCall *c, double factor) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         if (x->dtype == SC_I64) {
            sc_whole(c->out[0])[o * a.inner + i] = whole_sum(x, o * a.n * a.inner + i, a.n, a.inner);
            continue;
         }
         double total = 0;
         for (int64_t k = 0; k < a.n; k++) total += sc_get(x, (o * a.n + k) * a.inner + i);
         sc_put(c->out[0], o * a.inner + i, total * factor);
      }
   return SC_OK;
}

static ScStatus spread(ScCall *c, double factor) {
   ScTensor *dx = c->grad_in[0];
   ScAxis a = sc_axis(dx, SC_REDUCED);
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t k = 0; k < a.n; k++)
         for (int64_t i = 0; i < a.inner; i++)
            sc_put(dx, (o * a.n + k) * a.inner + i, sc_get(c->grad_out[0], o * a.inner + i) * factor);
   return SC_OK;
}

static double one_over_n(const ScCall *c) {
   return 1.0 / (double)sc_axis(c->in[0], SC_REDUCED).n;
}

SC_KERNEL_OF(ref, sum, SC_NUMBERS, add_up(c, 1), spread(c, 1))
SC_KERNEL_OF(ref, mean, SC_FLOATS, add_up(c, one_over_n(c)), spread(c, one_over_n(c)))

// The first k with the largest value (times sign); a NaN beats everything.
static int64_t winner(const ScTensor *x, int64_t start, int64_t n, int64_t step, double sign) {
   int64_t best = 0;
   double top = sign * sc_get(x, start);
   for (int64_t k = 1; k < n && top == top; k++) {
      double value = sign * sc_get(x, start + k * step);
      if (value > top || value != value) best = k, top = value;
   }
   return best;
}

static int64_t whole_winner(const int64_t *x, int64_t n, int64_t step, bool largest) {
   int64_t best = 0;
   for (int64_t k = 1; k < n; k++)
      if (largest ? x[k * step] > x[best * step] : x[k * step] < x[best * step]) best = k;
   return best;
}

static ScStatus find(ScCall *c, double sign, bool index) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t start = o * a.n * a.inner + i, at = o * a.inner + i;
         bool whole = x->dtype == SC_I64;
         int64_t best = whole ? whole_winner(sc_whole(x) + start, a.n, a.inner, sign > 0)
                              : winner(x, start, a.n, a.inner, sign);
         if (whole && !index)
            sc_whole(c->out[0])[at] = sc_whole(x)[start + best * a.inner];
         else
            sc_put(c->out[0], at, index ? (double)(best + 1) : sc_get(x, start + best * a.inner));
         if (c->saved[0]) sc_put(c->saved[0], at, (double)best);
      }
   return SC_OK;
}

static ScStatus backward_extreme(ScCall *c) {
   ScTensor *dx = c->grad_in[0];
   ScAxis a = sc_axis(dx, SC_REDUCED);
   const int64_t *best = c->saved[0]->buffer->data;
   SC_TRY(sc_tensor_fill(dx, 0));
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t at = o * a.inner + i;
         sc_put(dx, (o * a.n + best[at]) * a.inner + i, sc_get(c->grad_out[0], at));
      }
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

SC_KERNEL(ref, max, .dtypes = SC_NUMBERS, .forward = forward_max, .backward = backward_extreme)
SC_KERNEL(ref, min, .dtypes = SC_NUMBERS, .forward = forward_min, .backward = backward_extreme)
SC_KERNEL(ref, argmax, .dtypes = SC_NUMBERS, .forward = forward_argmax)
SC_KERNEL(ref, argmin, .dtypes = SC_NUMBERS, .forward = forward_argmin)
