// The gradient of a depthwise convolution's filters, (O, KH, KW, 1).
#ifndef SCUTE_CUDA_DEPTHWISE_FILTERS_H
#define SCUTE_CUDA_DEPTHWISE_FILTERS_H

#include "host/core/device.h"
#include "host/ops/conv2d.h"

SC_C_BEGIN

ScStatus sc_depthwise_weight_grad(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *x,
                                  const void *gy, void *gw);

SC_C_END

#endif
