#include "host/ops/cumsum.h"

#include "kernels/ref/walk.h"

// i64 of i64, all digits; beyond its range a sum ends at its ends.
static void whole_sums(const ScTensor *x, const ScTensor *y, int64_t start, ScAxis a) {
   __int128 total = 0;
   for (int64_t k = 0; k < a.n; k++) {
      total += sc_whole(x)[start + k * a.inner];
      int64_t ended = total > INT64_MAX ? INT64_MAX : total < INT64_MIN ? INT64_MIN : (int64_t)total;
      sc_whole(y)[start + k * a.inner] = ended;
   }
}

static void sums(const ScTensor *x, const ScTensor *y, int64_t start, ScAxis a, bool from_end) {
   double total = 0;
   for (int64_t k = 0; k < a.n; k++) {
      int64_t at = start + (from_end ? a.n - 1 - k : k) * a.inner;
      total += sc_get(x, at);
      sc_put(y, at, total);
   }
}

static ScStatus sum_up(const ScCall *c, const ScTensor *x, const ScTensor *y, bool from_end) {
   ScAxis a = sc_axis(y, c->attr[SC_CUMSUM_DIM].i);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner;
      if (x->dtype == SC_I64)
         whole_sums(x, y, start, a);
      else
         sums(x, y, start, a, from_end);
   }
   return SC_OK;
}

SC_KERNEL_OF(ref, cumsum, SC_NUMBERS, sum_up(c, c->in[0], c->out[0], false),
             sum_up(c, c->grad_out[0], c->grad_in[0], true))
