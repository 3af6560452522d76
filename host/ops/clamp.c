// Numbers brought between two bounds.
#include "host/ops/clamp.h"

#include <math.h>

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"},
    {.name = "min",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = -INFINITY,
     .doc = "what is below becomes it; of whole numbers the next whole one above it"},
    {.name = "max",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = INFINITY,
     .doc = "what is above becomes it; of whole numbers the next whole one below it"},
};

// Beyond, a number is not the whole one that was written.
static ScStatus check_exact(const ScCall *c, int attr) {
   double bound = c->attr[attr].f;
   if (c->in[0]->dtype != SC_I64 || isinf(bound) || fabs(bound) < 9007199254740992.0) return SC_OK;
   return sc_fail(
       SC_EARG,
       "clamp: argument '%s': of i64 expected less than 2^53, up to which each whole number is itself, "
       "found %.17g",
       attr == SC_CLAMP_MIN ? "min" : "max", bound);
}

static ScStatus infer(ScCall *c) {
   double min = c->attr[SC_CLAMP_MIN].f, max = c->attr[SC_CLAMP_MAX].f;
   if (min != min || max != max)
      return sc_fail(SC_EARG, "clamp: argument '%s': expected a number, found NaN", min != min ? "min" : "max");
   if (min > max)
      return sc_fail(SC_EARG, "clamp: expected a 'min' of at most 'max', found %g and %g", min, max);
   SC_TRY(check_exact(c, SC_CLAMP_MIN));
   SC_TRY(check_exact(c, SC_CLAMP_MAX));
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

double sc_clamp_bound(const ScCall *c, int attr) {
   double held;
   if (!sc_dtype_is_float(c->in[0]->dtype)) return c->attr[attr].f;
   sc_store(c->in[0]->dtype, &held, 0, c->attr[attr].f);
   return sc_load(c->in[0]->dtype, &held, 0);
}

static const double END = 9223372036854775808.0; // 2^63

int64_t sc_clamp_whole_min(double min) {
   return min <= -END ? INT64_MIN : min >= END ? INT64_MAX : (int64_t)ceil(min);
}

int64_t sc_clamp_whole_max(double max) {
   return max >= END ? INT64_MAX : max <= -END ? INT64_MIN : (int64_t)floor(max);
}

SC_OP(clamp,
      .doc = "min(max(x, min), max); NaN stays. Its gradient is that of the result where min < x < max, and 0 "
             "elsewhere, at the bounds too.",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .keep_in = 1)
