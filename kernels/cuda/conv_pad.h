// cuDNN's classic interface knows one padding for both sides of a photo. A convolution that pads them
// differently becomes one that does not by giving its photos the zeros that one side has more. Depthwise
// convolutions, which are not cuDNN's, take any padding in their indices.
#ifndef SCUTE_CUDA_CONV_PAD_H
#define SCUTE_CUDA_CONV_PAD_H

#include "host/core/device.h"
#include "host/ops/conv2d.h"

SC_C_BEGIN

bool sc_conv_pads_evenly(const ScConv *);
// The one of larger photos that comes to the same and pads both sides alike.
ScConv sc_conv_evened(const ScConv *);

// x of the first, (N, H, W, C), as that of the second, whose further pixels are zeros.
ScStatus sc_conv_pad(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *x, void *padded);
// And its gradient back, without those pixels.
ScStatus sc_conv_cut(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *padded, void *x);

SC_C_END

#endif
