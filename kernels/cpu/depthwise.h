// The weight gradient of depthwise convolutions with wide filters, for which oneDNN 3.2 takes a general kernel
// that needs three to ten times as long. (Its own one for 3 x 3 is faster than this.)
#ifndef SCUTE_CPU_DEPTHWISE_H
#define SCUTE_CPU_DEPTHWISE_H

#include "host/ops/conv2d.h"

// Whether sc_depthwise_weight_gradient computes this one: a filter of 3 x 3, 5 x 5 or 7 x 7 for each channel,
// no dilation.
bool sc_depthwise_fits(const ScConv *);

// x (N, C, H, W) and dy (N, C, OH, OW) lie channels-last; gradient (C, 1, K, K). All are bf16 or all are f32.
// Sums are f32 and the same for every number of threads.
ScStatus sc_depthwise_weight_gradient(ScDevice *, const ScConv *, bool half, const void *x, const void *dy,
                                      void *gradient);

#endif
