// Softmax and its logarithm along one dimension.
#include "host/ops/softmax.h"

#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape but a scalar, floating point"},
    {.name = "dim",
     .kind = SC_DIM,
     .optional = true,
     .doc = "the dimension that sums to 1 (default: the last)"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   SC_TRY(sc_want_float(c, 0));
   if (x->rank == 0)
      return sc_fail(SC_EARG, "%s: argument 'x': expected at least 1 dimension, found a scalar", c->op->name);
   if (c->attr[SC_SOFTMAX_DIM].i == SC_NODIM) c->attr[SC_SOFTMAX_DIM].i = x->rank - 1;
   return sc_describe(c, 0, x->dtype, x->rank, x->shape);
}

SC_OP(softmax, .doc = "exp(x) / sum(exp(x)) along one dimension.", SC_PARAMS(params), .differentiable = true,
      .autocast = SC_CAST_WIDE, .keep_out = 1, .infer = infer)
SC_OP(log_softmax, .doc = "x - log(sum(exp(x))) along one dimension.", SC_PARAMS(params),
      .differentiable = true, .autocast = SC_CAST_WIDE, .keep_out = 1, .infer = infer)
