// Kernels that the ops made of library calls need around those.
#ifndef SCUTE_CUDA_PARTS_H
#define SCUTE_CUDA_PARTS_H

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"
#include "kernels/cuda/cuda.h"

SC_C_BEGIN

// y = act(y + shift + residual) in place, for y and residual (rows, channels) and shift (channels) in f32 (in
// f64 beside f64). shift and residual may be NULL.
ScStatus sc_cuda_finish(const ScDevice *, const char *what, ScDtype, int64_t rows, int64_t channels, void *y,
                        const void *shift, const void *residual, ScAct);

// sums (channels), in f32 (f64 of f64), of x (rows, channels) over its rows; in a fixed order.
ScStatus sc_cuda_column_sums(const ScDevice *, const char *what, ScDtype, int64_t rows, int64_t channels,
                             const void *x, void *sums);

// Of a conv2d_folded: its filters times gamma / sqrt(var + eps), in x's dtype, and what remains to be added to
// each channel, in f32.
ScStatus sc_cuda_fold(const ScCall *, void *weights, float *shift);

// Depthwise convolutions: as many groups as input channels. weights, as all filters, (O, KH, KW, 1).
bool sc_is_depthwise(const ScConv *);
ScStatus sc_depthwise_forward(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *x,
                              const void *w, void *y);
ScStatus sc_depthwise_input_grad(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *gy,
                                 const void *w, void *gx);
ScStatus sc_depthwise_weight_grad(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *x,
                                  const void *gy, void *gw);

SC_C_END

#endif
