// Products.
#include "host/ops/prod.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"}, SC_REDUCED_DIMS, SC_KEEPDIM};

static ScStatus infer(ScCall *c) {
   ScDtype dtype = c->in[0]->dtype;
   if (!sc_dtype_is_float(dtype)) return sc_describe_reduced(c, SC_I64);
   SC_TRY(sc_describe_reduced(c, dtype));
   for (int i = 0; i < 2; i++) SC_TRY(sc_describe_reduced_saved(c, i, sc_wide_dtype(dtype)));
   return SC_OK;
}

SC_OP(prod,
      .doc = "The product over dimensions or over everything; integers give i64, which ends at the ends of its "
             "range. "
             "Its gradient is right for zeros too.",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .keep_in = 1, .autocast = SC_CAST_WIDE,
      .forward = sc_reduce_forward, .backward = sc_reduce_backward)
