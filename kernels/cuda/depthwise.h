// Depthwise convolutions: as many groups as input channels. weights, as all filters, (O, KH, KW, 1).
#ifndef SCUTE_CUDA_DEPTHWISE_H
#define SCUTE_CUDA_DEPTHWISE_H

#include "host/core/device.h"
#include "host/ops/activation.h"
#include "host/ops/conv2d.h"

SC_C_BEGIN

// What comes of the sums: act(sum + shift + residual).
typedef struct {
   const void *shift;    // (O) in f32, or NULL
   const void *residual; // as y, or NULL
   ScAct act;
} ScDepthwiseEnd;

bool sc_is_depthwise(const ScConv *);
ScStatus sc_depthwise_forward(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *x,
                              const void *w, ScDepthwiseEnd, void *y);
ScStatus sc_depthwise_input_grad(const ScDevice *, const char *what, ScDtype, const ScConv *, const void *gy,
                                 const void *w, void *gx);

SC_C_END

#endif
