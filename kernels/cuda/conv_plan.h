// Convolutions through cuDNN.
#ifndef SCUTE_CUDA_CONV_PLAN_H
#define SCUTE_CUDA_CONV_PLAN_H

#include "kernels/cuda/conv_algorithm.h"

// Computes one side from the others. SC_EUNSUPPORTED where cuDNN has nothing for it: in half width (the
// dispatcher then goes through f32), and for the kinds that go on after the convolution, which can be done in
// two steps.
ScStatus sc_conv_run(const ScDevice *, const char *what, ScPlanKind, ScDtype, const ScConv *, ScConvSides);
void sc_conv_plans_drop(const ScDevice *); // the cache of a device
// What is not timed yet is timed now, but for what came of more photos, too, and for what cannot be: that stays
// as it is. From here on a program computes as one that knows no more than sc_conv_used says. Drops the cache,
// too.
void sc_conv_plans_settle(const ScDevice *);

#endif
