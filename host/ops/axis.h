// One dimension of a tensor as it lies in memory: element (o, k, i) of outer x n x inner is at (o * n + k) *
// inner + i. It holds for channels-last tensors as well, so that ops along one dimension need not know the
// order of the others.
#ifndef SCUTE_OPS_AXIS_H
#define SCUTE_OPS_AXIS_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

typedef struct {
   int64_t outer, n, inner;
} ScAxis;

// `dim` counts from 0; SC_NODIM takes all elements as one axis.
ScAxis sc_axis(const ScTensor *, int64_t dim);

SC_API_END

#endif
