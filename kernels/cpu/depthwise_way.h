// The weight gradient of depthwise convolutions (see depthwise.h) for each kind of processor.
#ifndef SCUTE_CPU_DEPTHWISE_WAY_H
#define SCUTE_CPU_DEPTHWISE_WAY_H

#include "host/ops/conv2d.h"

typedef struct {
   ScStatus (*weight_gradient)(ScDevice *, const ScConv *, bool half, const void *x, const void *dy,
                               void *gradient);
} ScDepthwiseWay;

extern const ScDepthwiseWay sc_depthwise_any, sc_depthwise_avx2, sc_depthwise_avx512;

#endif
