// Convolutions of 3 x 3 filters with stride 1 as products of transformed tiles (Winograd; Lavin and Gray 2015,
// https://arxiv.org/abs/1509.09308): a tile of 4 x 4 output pixels takes 36 multiplications a channel, not 144.
// All is computed in f32, also where activations and filters are bf16; only results are rounded to bf16, once.
// Farthest from float64, over the largest result, with 64 to 512 channels of normal numbers: outputs and
// gradients of x 0.8e-6 to 1.1e-6 (oneDNN's direct way 0.9e-6 to 2.6e-6), of filters 0.6e-6 to 1.1e-6 (0.2e-6
// to 0.4e-6). In bf16 the last rounding is all that can be seen, as in the direct way.
#ifndef SCUTE_CPU_WINOGRAD_H
#define SCUTE_CPU_WINOGRAD_H

#include "kernels/cpu/winograd_way.h"

// Whether this is the faster way on this processor.
bool sc_winograd_fits(const ScConv *, ScAct act, bool half);
bool sc_winograd_gradient_fits(const ScConv *, bool half);

// The convolution of dy that gives the gradient of x: with filters `turned`.
ScConv sc_winograd_turned(const ScConv *);

// Filters (blocks of 64 outputs, 36, C, 64) from plain ones (O, 3, 3, C) in f32 or bf16. Where `turned`, they
// are those of the convolution whose gradient is computed: (C, 3, 3, O), of which inputs and outputs change
// places and taps are counted from the other end.
size_t sc_winograd_filter_bytes(const ScConv *);
void sc_winograd_filters(const ScConv *, bool turned, bool half, const void *plain, float *filters);

// *finite is false where an output is infinite or not a number: such spread over whole tiles, so that the
// output is to be computed anew in another way.
ScStatus sc_winograd(ScDevice *, const ScWinograd *, bool *finite);

// The gradient of the filters: that of a tile's outputs is transformed by the transposed matrix of the
// output's, times the transformed input for each pair of channels, summed over the tiles, transformed back to 3
// x 3. It is the same for every number of threads.
ScStatus sc_winograd_gradient(ScDevice *, const ScWinogradGradient *, bool *finite);

#endif
