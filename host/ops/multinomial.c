// Numbers drawn by their weights.
#include "host/ops/multinomial.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "host/core/dispatch.h"
#include "host/core/rng.h"
#include "host/core/transfer.h"
#include "host/ops/wait.h"

static const ScParam params[] = {
    {.name = "x",
     .kind = SC_TENSOR,
     .doc = "weights (C), or rows of them (N, C), from 0; they need not sum to 1"},
    {.name = "num_samples", .kind = SC_INT, .doc = "how many numbers of each row"},
    {.name = "replacement",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "may a number be drawn more than once (default false)?"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t samples = c->attr[SC_MULTINOMIAL_SAMPLES].i;
   SC_TRY(sc_want_float(c, 0));
   if (x->rank != 1 && x->rank != 2)
      return sc_fail(SC_EARG, "multinomial: argument 'x': expected (C) or (N, C), found %s", sc_shape_text(x));
   if (samples < 1)
      return sc_fail(SC_EARG, "multinomial: argument 'num_samples': expected at least 1, found %lld",
                     (long long)samples);
   if (!c->attr[SC_MULTINOMIAL_REPLACEMENT].i && samples > x->shape[x->rank - 1])
      return sc_fail(
          SC_EARG,
          "multinomial: argument 'num_samples': expected at most %lld, for so many numbers have a weight, "
          "found %lld; with replacement there may be more",
          (long long)x->shape[x->rank - 1], (long long)samples);
   int64_t shape[2] = {x->shape[0], samples};
   return sc_describe(c, 0, SC_I64, x->rank, x->rank == 2 ? shape : shape + 1);
}

// ---- what the weights have to be ----

static ScStatus refuse(int64_t row, int64_t at, double weight) {
   return sc_fail(SC_EARG,
                  "multinomial: argument 'x': expected weights from 0, found %g at position %lld of row %lld",
                  weight, (long long)at + 1, (long long)row + 1);
}

static ScStatus check_row(const double *weights, int64_t row, const ScMultinomial *m, bool again) {
   double sum = 0;
   int64_t above = 0;
   for (int64_t k = 0; k < m->numbers; k++) {
      if (!(weights[k] >= 0 && weights[k] <= DBL_MAX))
         return refuse(row, k, isnan(weights[k]) ? NAN : weights[k]);
      sum += weights[k];
      above += weights[k] > 0;
   }
   if (above == 0)
      return sc_fail(SC_EARG, "multinomial: argument 'x': the weights of row %lld are all 0",
                     (long long)row + 1);
   if (sum > DBL_MAX)
      return sc_fail(SC_EARG, "multinomial: argument 'x': the sum of row %lld is too large",
                     (long long)row + 1);
   if (!again && above < m->samples)
      return sc_fail(
          SC_EARG,
          "multinomial: argument 'num_samples': expected at most %lld, for so many weights of row %lld are "
          "above 0, found %lld",
          (long long)above, (long long)row + 1, (long long)m->samples);
   return SC_OK;
}

static ScStatus check_content(const ScCall *c, const char *content, double *weights) {
   ScMultinomial m = sc_multinomial_of(c);
   ScDtype dtype = c->in[0]->dtype;
   size_t bytes = (size_t)m.numbers * sc_dtype_size(dtype);
   for (int64_t row = 0; row < m.rows; row++) {
      sc_convert(SC_F64, weights, dtype, content + (size_t)row * bytes, m.numbers);
      SC_TRY(check_row(weights, row, &m, c->attr[SC_MULTINOMIAL_REPLACEMENT].i));
   }
   return SC_OK;
}

static ScStatus check_weights(const ScCall *c) {
   const void *content;
   void *downloaded;
   double *weights = malloc((size_t)c->in[0]->shape[c->in[0]->rank - 1] * sizeof *weights);
   if (!weights) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_tensor_content(c->in[0], &content, &downloaded);
   if (status == SC_OK) {
      status = check_content(c, content, weights);
      free(downloaded);
   }
   free(weights);
   return status;
}

// ---- drawing ----

static ScStatus forward(ScCall *c) {
   SC_TRY(sc_want_values(c));
   SC_TRY(check_weights(c));
   c->attr[SC_MULTINOMIAL_SEED].i = (int64_t)sc_rng()->seed;
   c->attr[SC_MULTINOMIAL_STREAM].i = (int64_t)sc_rng()->next_stream;
   return sc_run_kernel(c);
}

// Only now, so that a retry after SC_EMEM draws the same numbers.
static ScStatus use_stream(ScCall *c) {
   (void)c;
   sc_rng_stream();
   return SC_OK;
}

SC_OP(multinomial,
      .doc = "Numbers from 1 to C (i64, (num_samples) or (N, num_samples)), drawn with the probabilities "
             "weight / sum of the row's weights; one of weight 0 is never drawn. Wrong weights are "
             "refused: on a GPU it waits for them, and no graph can record it.",
      SC_PARAMS(params), .infer = infer, .forward = forward, .commit = use_stream)
