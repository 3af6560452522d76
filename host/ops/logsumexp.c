// The logarithm of a sum that may be too large for a number.
#include "host/ops/logsumexp.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape, floating point"}, SC_REDUCED_DIMS, SC_KEEPDIM};

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   SC_TRY(sc_describe_reduced(c, c->in[0]->dtype));
   for (int i = 0; i < 2; i++) SC_TRY(sc_describe_reduced_saved(c, i, sc_wide_dtype(c->in[0]->dtype)));
   return SC_OK;
}

SC_OP(logsumexp,
      .doc = "log(sum(exp(x))) over dimensions or over everything, without overflow; -inf where all are. Its "
             "gradient is that of the result times softmax(x), so NaN there.",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .keep_in = 1, .autocast = SC_CAST_WIDE,
      .forward = sc_reduce_forward, .backward = sc_reduce_backward)
