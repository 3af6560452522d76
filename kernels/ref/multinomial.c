#include "host/ops/multinomial.h"

#include "host/core/rng.h"
#include "kernels/ref/order.h"

static double drawn(const ScCall *c, int64_t index) {
   return sc_uniform_double((uint64_t)c->attr[SC_MULTINOMIAL_SEED].i,
                            (uint64_t)c->attr[SC_MULTINOMIAL_STREAM].i, (uint64_t)index);
}

// The first number up to which the weights sum to more than `share` of all.
static int64_t number_at(const ScTensor *x, int64_t start, int64_t n, double share) {
   double total = 0, sum = 0;
   int64_t last = 0;
   for (int64_t k = 0; k < n; k++) total += sc_get(x, start + k);
   for (int64_t k = 0; k < n; k++) {
      double before = sum;
      sum += sc_get(x, start + k);
      if (sum > before) last = k;
      if (sum > share * total) return k;
   }
   return last; // where share * total was rounded up to all of it
}

static void draw_again_and_again(const ScCall *c, int64_t row) {
   ScMultinomial m = sc_multinomial_of(c);
   for (int64_t s = row * m.samples; s < (row + 1) * m.samples; s++)
      sc_whole(c->out[0])[s] = number_at(c->in[0], row * m.numbers, m.numbers, drawn(c, s)) + 1;
}

static void draw_once_each(const ScCall *c, int64_t row, ScEntry *times) {
   ScMultinomial m = sc_multinomial_of(c);
   for (int64_t k = 0; k < m.numbers; k++) {
      double weight = sc_get(c->in[0], row * m.numbers + k);
      bool never = weight == 0;
      times[k] = (ScEntry){
          .nan = never, .value = never ? 0 : -log(1 - drawn(c, row * m.numbers + k)) / weight, .index = k};
   }
   qsort(times, (size_t)m.numbers, sizeof *times, sc_compare_entries);
   for (int64_t s = 0; s < m.samples; s++) sc_whole(c->out[0])[row * m.samples + s] = times[s].index + 1;
}

static ScStatus forward(ScCall *c) {
   ScMultinomial m = sc_multinomial_of(c);
   ScEntry *times = malloc((size_t)m.numbers * sizeof *times);
   if (!times) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t row = 0; row < m.rows; row++)
      if (c->attr[SC_MULTINOMIAL_REPLACEMENT].i)
         draw_again_and_again(c, row);
      else
         draw_once_each(c, row, times);
   free(times);
   return SC_OK;
}

SC_KERNEL(ref, multinomial, .dtypes = SC_FLOATS, .forward = forward)
