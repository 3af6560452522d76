// Vectors brought to length 1.
#include "host/ops/normalize.h"

#include <math.h>

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape but a scalar, floating point"},
    {.name = "p",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 2,
     .doc = "which norm, above 0: 2 is the length, 1 the sum of magnitudes, math.huge the largest magnitude"},
    {.name = "dim",
     .kind = SC_DIM,
     .optional = true,
     .doc = "the dimension along which the vectors lie (default: the second, of a vector its only one)"},
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-12, .doc = "what a norm counts at least"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   double p = c->attr[SC_UNIT_P].f, eps = c->attr[SC_UNIT_EPS].f;
   SC_TRY(sc_want_float(c, 0));
   if (x->rank == 0)
      return sc_fail(SC_EARG, "normalize: argument 'x': expected at least 1 dimension, found a scalar");
   if (!(p > 0)) return sc_fail(SC_EARG, "normalize: argument 'p': expected a number above 0, found %g", p);
   if (!(eps >= 0 && eps < INFINITY))
      return sc_fail(SC_EARG, "normalize: argument 'eps': expected a number of at least 0, found %g", eps);
   if (c->attr[SC_UNIT_DIM].i == SC_NODIM) c->attr[SC_UNIT_DIM].i = x->rank > 1;
   int64_t shape[SC_MAXRANK];
   for (int i = 0; i < x->rank; i++) shape[i] = i == c->attr[SC_UNIT_DIM].i ? 1 : x->shape[i];
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, x->shape));
   return sc_describe_saved(c, SC_UNIT_NORMS, sc_wide_dtype(x->dtype), x->rank, shape);
}

SC_OP(normalize,
      .doc =
          "x / max(norm, eps), where norm is (sum of |x|^p)^(1/p) along one dimension: vectors of length 1, of "
          "the same shape. A vector of zeros stays as it is, and one with a NaN becomes NaN. Where p is "
          "math.huge and magnitudes are equal, each has its part of the gradient.",
      SC_PARAMS(params), .differentiable = true, .autocast = SC_CAST_WIDE, .keep_in = 1, .infer = infer)
