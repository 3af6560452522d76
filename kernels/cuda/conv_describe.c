#include "kernels/cuda/conv_describe.h"

#include "host/core/choices.h"

static cudnnDataType_t data_type(ScDtype dtype) {
   return dtype == SC_F16 ? CUDNN_DATA_HALF : dtype == SC_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

cudnnMathType_t sc_conv_math(ScDtype dtype) {
   if (dtype != SC_F32) return CUDNN_TENSOR_OP_MATH;
   return sc_choices()->tf32_convolutions ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
}

static cudnnStatus_t describe_image(cudnnTensorDescriptor_t *out, ScDtype dtype, int64_t n, int64_t c,
                                    int64_t h, int64_t w) {
   cudnnStatus_t status = cudnnCreateTensorDescriptor(out);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   return cudnnSetTensor4dDescriptor(*out, CUDNN_TENSOR_NHWC, data_type(dtype), (int)n, (int)c, (int)h, (int)w);
}

static cudnnStatus_t describe_filter(cudnnFilterDescriptor_t *out, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = cudnnCreateFilterDescriptor(out);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   return cudnnSetFilter4dDescriptor(*out, data_type(dtype), CUDNN_TENSOR_NHWC, (int)g->o, (int)g->cg,
                                     (int)g->kh, (int)g->kw);
}

// The padding before is that after, too: see conv_pad.h.
static cudnnStatus_t describe_window(cudnnConvolutionDescriptor_t *out, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = cudnnCreateConvolutionDescriptor(out);
   if (status == CUDNN_STATUS_SUCCESS)
      status = cudnnSetConvolution2dDescriptor(*out, (int)g->ph, (int)g->pw, (int)g->sh, (int)g->sw, (int)g->dh,
                                               (int)g->dw, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
   if (status == CUDNN_STATUS_SUCCESS) status = cudnnSetConvolutionGroupCount(*out, (int)g->groups);
   if (status == CUDNN_STATUS_SUCCESS) status = cudnnSetConvolutionMathType(*out, sc_conv_math(dtype));
   return status;
}

static cudnnStatus_t describe_end(ScConvDescription *d, ScDtype dtype, const ScConv *g) {
   cudnnStatus_t status = describe_image(&d->shift, dtype, 1, g->o, 1, 1);
   if (status == CUDNN_STATUS_SUCCESS) status = cudnnCreateActivationDescriptor(&d->act);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   cudnnActivationMode_t mode =
       d->kind == SC_PLAN_FORWARD_RELU ? CUDNN_ACTIVATION_RELU : CUDNN_ACTIVATION_IDENTITY;
   return cudnnSetActivationDescriptor(d->act, mode, CUDNN_PROPAGATE_NAN, 0);
}

cudnnStatus_t sc_conv_describe(ScConvDescription *d, ScPlanKind kind, ScDtype dtype, const ScConv *g) {
   *d = (ScConvDescription){.kind = kind};
   cudnnStatus_t status = describe_image(&d->x, dtype, g->n, g->c, g->h, g->w);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_image(&d->y, dtype, g->n, g->o, g->oh, g->ow);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_filter(&d->w, dtype, g);
   if (status == CUDNN_STATUS_SUCCESS) status = describe_window(&d->conv, dtype, g);
   if (status == CUDNN_STATUS_SUCCESS && kind != sc_conv_search_kind(kind)) status = describe_end(d, dtype, g);
   return status;
}

void sc_conv_describe_end(ScConvDescription *d) {
   if (d->x) cudnnDestroyTensorDescriptor(d->x);
   if (d->y) cudnnDestroyTensorDescriptor(d->y);
   if (d->shift) cudnnDestroyTensorDescriptor(d->shift);
   if (d->w) cudnnDestroyFilterDescriptor(d->w);
   if (d->conv) cudnnDestroyConvolutionDescriptor(d->conv);
   if (d->act) cudnnDestroyActivationDescriptor(d->act);
}
