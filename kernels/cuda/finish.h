// What follows a matrix product or a convolution, and on the way back what its bias gets.
#ifndef SCUTE_CUDA_FINISH_H
#define SCUTE_CUDA_FINISH_H

#include "host/core/device.h"
#include "host/ops/batch_norm.h"

SC_C_BEGIN

// y = act(y + shift + residual) in place, for y and residual (rows, channels) and shift (channels) in f32 (in
// f64 beside f64). shift and residual may be NULL.
ScStatus sc_cuda_finish(const ScDevice *, const char *what, ScDtype, int64_t rows, int64_t channels, void *y,
                        const void *shift, const void *residual, ScAct);

// sums (channels), in f32 (f64 of f64), of x (rows, channels) over its rows; in a fixed order.
ScStatus sc_cuda_column_sums(const ScDevice *, const char *what, ScDtype, int64_t rows, int64_t channels,
                             const void *x, void *sums);

SC_C_END

#endif
