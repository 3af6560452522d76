// A smooth relu.
#include "host/ops/softplus.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"},
    {.name = "beta", .kind = SC_NUMBER, .optional = true, .preset = 1, .doc = "how sharp its bend is; above 0"},
    {.name = "threshold",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 20,
     .doc = "where beta * x is above it, x itself is the result"},
};

static ScStatus infer(ScCall *c) {
   double beta = c->attr[SC_SOFTPLUS_BETA].f;
   SC_TRY(sc_want_float(c, 0));
   if (!(beta > 0))
      return sc_fail(SC_EARG, "softplus: argument 'beta': expected a number above 0, found %g", beta);
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

SC_OP(softplus, .doc = "log(1 + exp(beta * x)) / beta.", SC_PARAMS(params), .differentiable = true,
      .infer = infer, .keep_in = 1, .autocast = SC_CAST_WIDE)
