// What tells one convolution from another, as cuDNN sees it: photos are padded alike on both sides
// (conv_pad.h).
#ifndef SCUTE_CUDA_CONV_KEY_H
#define SCUTE_CUDA_CONV_KEY_H

#include "host/ops/conv2d.h"

typedef enum {
   SC_PLAN_FORWARD,      // x, w give y
   SC_PLAN_INPUT_GRAD,   // y, w give x
   SC_PLAN_WEIGHT_GRAD,  // x, y give w
   SC_PLAN_FORWARD_ADD,  // x, w, shift and residual give y
   SC_PLAN_FORWARD_RELU, // the same, through a ReLU
} ScPlanKind;

enum { SC_CONV_WORDS = 19, SC_CONV_PHOTOS = 3 };

typedef struct {
   int64_t word[SC_CONV_WORDS]; // kind, dtype, whether f32 may be rounded to TF32, geometry
} ScConvKey;

ScConvKey sc_conv_key(ScPlanKind, ScDtype, const ScConv *);
// A plain forward pass has the algorithms of one that goes on.
ScPlanKind sc_conv_search_kind(ScPlanKind);
ScConvKey sc_conv_search_key(const ScConvKey *);
// Whether the first is the second of fewer photos.
bool sc_conv_is_rest(const ScConvKey *, const ScConvKey *);

#endif
