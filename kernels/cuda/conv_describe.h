// A convolution's descriptors.
#ifndef SCUTE_CUDA_CONV_DESCRIBE_H
#define SCUTE_CUDA_CONV_DESCRIBE_H

#include <cudnn.h>

#include "kernels/cuda/conv_key.h"

typedef struct {
   ScPlanKind kind;
   cudnnTensorDescriptor_t x, y, shift;
   cudnnFilterDescriptor_t w;
   cudnnConvolutionDescriptor_t conv;
   cudnnActivationDescriptor_t act; // of the kinds that go on after the convolution, as `shift`
} ScConvDescription;

// NOT_SUPPORTED: a side has more elements than cuDNN counts. What was made is to be destroyed on failure, too.
cudnnStatus_t sc_conv_describe(ScConvDescription *, ScPlanKind, ScDtype, const ScConv *);
void sc_conv_describe_end(ScConvDescription *);

// f32 as the user wants it: with factors that may be rounded to TensorFloat-32, or without. Halves on tensor
// cores.
cudnnMathType_t sc_conv_math(ScDtype);

#endif
