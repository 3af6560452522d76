// What the kernels of cumsum share: the gradient is the running sum of gradients from the end.
#ifndef SCUTE_OPS_CUMSUM_H
#define SCUTE_OPS_CUMSUM_H

#include "host/core/op.h"
#include "host/ops/axis.h"

enum { SC_CUMSUM_DIM }; // attribute

#endif
