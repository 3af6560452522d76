// Norms of vectors.
#include "host/ops/norm.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape, floating point; taken as vectors, not as matrices"},
    {.name = "p",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 2,
     .doc =
         "which norm: any number; math.huge gives the largest magnitude, -math.huge the smallest, 0 how many "
         "are not 0"},
    SC_REDUCED_DIMS,
    SC_KEEPDIM,
};

static ScStatus infer(ScCall *c) {
   double p = c->attr[SC_NORM_P].f;
   ScDtype dtype = c->in[0]->dtype;
   SC_TRY(sc_want_float(c, 0));
   if (p != p) return sc_fail(SC_EARG, "norm: argument 'p': expected a number, found NaN");
   SC_TRY(sc_describe_reduced(c, dtype));
   SC_TRY(sc_describe_reduced_saved(c, SC_NORM_RESULT, sc_wide_dtype(dtype)));
   return isinf(p) ? sc_describe_reduced_saved(c, SC_NORM_TIES, sc_wide_dtype(dtype)) : SC_OK;
}

SC_OP(norm,
      .doc = "The length of vectors, sum(|x|^p)^(1/p), over dimensions or over everything. Its gradient is 0 "
             "where it is 0; for an infinite p, elements of the same magnitude share it.",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .keep_in = 1, .autocast = SC_CAST_WIDE,
      .forward = sc_reduce_forward, .backward = sc_reduce_backward)
