// Convolutions through cuDNN.
#ifndef SCUTE_CUDA_CONV_PLAN_H
#define SCUTE_CUDA_CONV_PLAN_H

#include "host/ops/conv2d.h"

typedef enum {
   SC_PLAN_FORWARD,     // x, w give y
   SC_PLAN_INPUT_GRAD,  // y, w give x
   SC_PLAN_WEIGHT_GRAD, // x, y give w
} ScPlanKind;

// The three sides of a convolution, or the gradients that stand in their place, as they lie: x (N, H, W, C),
// w (O, KH, KW, C / groups), y (N, OH, OW, O).
typedef struct {
   void *x, *w, *y;
} ScConvSides;

// Computes one side from the other two. SC_EUNSUPPORTED in half width where cuDNN has nothing for it (the
// dispatcher then goes through f32).
ScStatus sc_conv_run(const ScDevice *, const char *what, ScPlanKind, ScDtype, const ScConv *, ScConvSides);
void sc_conv_plans_drop(const ScDevice *); // the cache of a device

#endif
