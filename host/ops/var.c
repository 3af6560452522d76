// Variance and standard deviation.
#include "host/ops/var.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape, floating point"},
    SC_REDUCED_DIMS,
    {.name = "correction",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1,
     .doc = "what is taken off the number n of elements: 1 (unbiased, Bessel's), or 0 (PyTorch's unbiased = "
            "false)"},
    SC_KEEPDIM,
};

static ScStatus infer(ScCall *c) {
   double correction = c->attr[SC_VAR_CORRECTION].f;
   ScDtype dtype = c->in[0]->dtype;
   SC_TRY(sc_want_float(c, 0));
   if (!(correction >= 0 && correction * 0 == 0))
      return sc_fail(SC_EARG, "%s: argument 'correction': expected a number of at least 0, found %g",
                     c->op->name, correction);
   SC_TRY(sc_describe_reduced(c, dtype));
   return sc_describe_reduced_saved(c, 0, sc_wide_dtype(dtype));
}

#define ONE_ELEMENT " Of one element it is NaN, unless correction is 0."

#define VAR(name, text, ...)                                                                                   \
   SC_OP(name, .doc = text ONE_ELEMENT, SC_PARAMS(params), .differentiable = true, .infer = infer,             \
         .keep_in = 1, .autocast = SC_CAST_WIDE, .forward = sc_reduce_forward, .backward = sc_reduce_backward, \
         __VA_ARGS__)

VAR(var, "The variance over dimensions or over everything: sum((x - mean)^2) / (n - correction).")
VAR(std,
    "The standard deviation over dimensions or over everything: sqrt(sum((x - mean)^2) / (n - correction)). "
    "Its "
    "gradient is 0 where it is 0.",
    .keep_out = 1)
