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

#define FIND(name, text)                                                                                       \
   SC_OP(name,                                                                                                 \
         .doc = text " (u8, as comparisons give). It is a tensor still, which Lua takes for true: if "         \
                     "x:gt(3):" #name "():item() == 1 then ... No gradient.",                                  \
         SC_PARAMS(params), .infer = infer, .forward = sc_reduce_forward)

FIND(any, "1 where any element over dimensions or over everything is other than 0, else 0")
FIND(all, "1 where all elements over dimensions or over everything are other than 0, else 0")
