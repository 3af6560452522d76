#include "host/ops/multinomial.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "host/core/rng.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/order.h"

enum { WORTH_THREADS = 2048 };

// A thread's memory for a row.
typedef struct {
   double *numbers, *shares; // weights, then their sums or times; what was drawn
   ScKeyed *keys, *room;
} Row;

static void draw(const ScCall *c, int64_t first, int64_t n, double *out) {
   sc_uniform_doubles((uint64_t)c->attr[SC_MULTINOMIAL_SEED].i, (uint64_t)c->attr[SC_MULTINOMIAL_STREAM].i,
                      (uint64_t)first, n, out);
}

static void read_weights(const ScCall *c, int64_t row, const ScMultinomial *m, double *weights) {
   const ScTensor *x = c->in[0];
   const char *data = x->buffer->data;
   sc_convert(SC_F64, weights, x->dtype, data + (size_t)(row * m->numbers) * sc_dtype_size(x->dtype),
              m->numbers);
}

// The first k with sums[k] > bound; where rounding leaves none, the first with the last sum.
static int64_t first_above(const double *sums, int64_t n, double bound) {
   int64_t low = 0, high = n - 1;
   if (!(sums[n - 1] > bound)) bound = nextafter(sums[n - 1], 0);
   while (low < high) {
      int64_t middle = (low + high) / 2;
      if (sums[middle] > bound)
         high = middle;
      else
         low = middle + 1;
   }
   return low;
}

static void draw_again_and_again(const ScCall *c, int64_t row, const ScMultinomial *m, Row own) {
   int64_t *out = (int64_t *)c->out[0]->buffer->data + row * m->samples;
   for (int64_t k = 1; k < m->numbers; k++) own.numbers[k] += own.numbers[k - 1];
   double total = own.numbers[m->numbers - 1];
   for (int64_t s = 0; s < m->samples; s++) {
      double share;
      draw(c, row * m->samples + s, 1, &share);
      out[s] = first_above(own.numbers, m->numbers, share * total) + 1;
   }
}

// A number that never comes has a NaN for its time.
static void draw_once_each(const ScCall *c, int64_t row, const ScMultinomial *m, Row own) {
   int64_t *out = (int64_t *)c->out[0]->buffer->data + row * m->samples;
   draw(c, row * m->numbers, m->numbers, own.shares);
   for (int64_t k = 0; k < m->numbers; k++)
      own.numbers[k] = own.numbers[k] == 0 ? NAN : -log(1 - own.shares[k]) / own.numbers[k];
   sc_keys_of_doubles(own.keys, own.numbers, m->numbers);
   sc_select_keys(own.keys, own.room, m->numbers, m->samples, SC_F64);
   const ScKeyed *sorted = sc_sort_keys(own.keys, own.room, m->samples, SC_F64);
   for (int64_t s = 0; s < m->samples; s++) out[s] = sorted[s].index + 1;
}

static ScStatus forward(ScCall *c) {
   ScMultinomial m = sc_multinomial_of(c);
   int threads = m.rows > 1 && sc_numel(c->in[0]) > WORTH_THREADS ? omp_get_max_threads() : 1;
   size_t each = (size_t)m.numbers * 2 * (sizeof(double) + sizeof(ScKeyed));
   char *memory = malloc((size_t)threads * each);
   if (!memory) return sc_fail(SC_EMEM, "out of memory");
#pragma omp parallel for num_threads(threads) if (threads > 1)
   for (int64_t row = 0; row < m.rows; row++) {
      ScKeyed *keys = (ScKeyed *)(memory + (size_t)omp_get_thread_num() * each);
      double *numbers = (double *)(keys + 2 * m.numbers);
      Row own = {numbers, numbers + m.numbers, keys, keys + m.numbers};
      read_weights(c, row, &m, own.numbers);
      if (c->attr[SC_MULTINOMIAL_REPLACEMENT].i)
         draw_again_and_again(c, row, &m, own);
      else
         draw_once_each(c, row, &m, own);
   }
   free(memory);
   return SC_OK;
}

SC_KERNEL(cpu, multinomial, .dtypes = SC_FLOATS, .more_dtypes = sc_cpu_half, .forward = forward)
