// Ops that reduce one dimension, several, or all. Whichever those are, kernels see one axis: the first input as
// (outer, n, inner), row-major, of which n is reduced, and the result as (outer, 1, inner), with their
// gradients alike. What is saved for each result has as many elements, in that order.
#ifndef SCUTE_OPS_REDUCTION_H
#define SCUTE_OPS_REDUCTION_H

#include "host/core/op.h"
#include "host/ops/axis.h"

enum { SC_REDUCED = 1 }; // the dimension that kernels reduce: sc_axis(x, SC_REDUCED)

// Parameters of such an op, which has one of each, wherever among them. Several dimensions, or one at the most.
#define SC_REDUCED_DIMS                                                                                        \
   {                                                                                                           \
      .name = "dim", .kind = SC_DIMS, .optional = true,                                                        \
      .doc = "the dimension, or a list of several (default: all together)"                                     \
   }
#define SC_REDUCED_DIM                                                                                         \
   { .name = "dim", .kind = SC_DIM, .optional = true, .doc = "the dimension (default: all together)" }
#define SC_KEEPDIM                                                                                             \
   {                                                                                                           \
      .name = "keepdim", .kind = SC_BOOL, .optional = true,                                                    \
      .doc = "keep what is reduced, with size 1 (default false)"                                               \
   }

SC_API_BEGIN

ScStatus sc_describe_reduced(ScCall *, ScDtype);
ScStatus sc_describe_reduced_saved(ScCall *, int index, ScDtype);
// For the op's forward and backward.
ScStatus sc_reduce_forward(ScCall *);
ScStatus sc_reduce_backward(ScCall *);
// How many elements make one result.
int64_t sc_reduced_size(const ScCall *);

SC_API_END

#endif
