// Running sums.
#include "host/ops/cumsum.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape but a scalar"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension along which it is summed up"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   return sc_describe(c, 0, sc_dtype_is_float(x->dtype) ? x->dtype : SC_I64, x->rank, x->shape);
}

SC_OP(
    cumsum,
    .doc =
        "The sum of each element and all before it along one dimension, of the shape of x; integers give i64. "
        "From a NaN on all are NaN.",
    SC_PARAMS(params), .differentiable = true, .infer = infer, .autocast = SC_CAST_WIDE)
