// Whether elements are other than 0: of some of them, or of each.
#include "host/ops/reduction.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype; what is not 0 counts as true, NaN too"},
    SC_REDUCED_DIMS,
    SC_KEEPDIM,
};

static ScStatus infer(ScCall *c) {
   return sc_describe_reduced(c, SC_U8);
}

SC_OP(any,
      .doc =
          "1 where any element over dimensions or over everything is other than 0, else 0 (u8, as comparisons "
          "give): (x > 3):any(). No gradient.",
      SC_PARAMS(params), .infer = infer, .forward = sc_reduce_forward)
SC_OP(
    all,
    .doc =
        "1 where all elements over dimensions or over everything are other than 0, else 0 (u8, as comparisons "
        "give): (x > 3):all(). No gradient.",
    SC_PARAMS(params), .infer = infer, .forward = sc_reduce_forward)
