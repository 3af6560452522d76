// Batch norm folded into the filters of a convolution.
#ifndef SCUTE_CUDA_CONV2D_FOLD_H
#define SCUTE_CUDA_CONV2D_FOLD_H

#include "host/core/op.h"

SC_C_BEGIN

// Of a conv2d_folded: its filters times gamma / sqrt(var + eps), in x's dtype, and what remains to be added to
// each channel, in f32 and in x's dtype.
ScStatus sc_cuda_fold(const ScCall *, void *weights, float *shift, void *narrow_shift);

SC_C_END

#endif
