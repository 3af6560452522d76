// What the convolution ops share: the order of their attributes and the geometry derived from it.
#ifndef SCUTE_OPS_CONV2D_H
#define SCUTE_OPS_CONV2D_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

// Attributes, in order of declaration, of conv2d and, with the further ones, of conv_bn_act and conv2d_folded.
enum {
   SC_CONV_STRIDE,
   SC_CONV_PADDING,
   SC_CONV_DILATION,
   SC_CONV_GROUPS,
   SC_CONV_ATTRS,
   SC_FOLDED_EPS = SC_CONV_ATTRS, // conv2d_folded
   SC_FOLDED_ACT,
};

// Both numbers of the attribute padding, where it is the word.
enum { SC_PADDING_SAME_TF = SC_PAIR_WORD };
#define SC_PADDING_WORD "same_tf"
#define SC_PADDING_DOC                                                                                         \
   "zeros added on both sides, pixels; same_tf: as few as give H / stride rows, rounded up, of an odd number " \
   "the one more below and on the right (\"SAME\" of TensorFlow)"

// Inputs of conv2d (the first three) and of conv2d_folded.
enum {
   SC_CONV_X,
   SC_CONV_WEIGHT,
   SC_CONV_BIAS,
   SC_FOLDED_BN_WEIGHT,
   SC_FOLDED_BN_BIAS,
   SC_FOLDED_MEAN,
   SC_FOLDED_VAR,
   SC_FOLDED_RESIDUAL,
   SC_FOLDED_INPUTS
};

typedef struct {
   int64_t n, c, h, w;             // input
   int64_t o, oh, ow;              // output
   int64_t kh, kw;                 // kernel
   int64_t sh, sw, dh, dw;         // stride, dilation
   int64_t ph, pw, ph_end, pw_end; // zeros before (top, left) and after (bottom, right)
   int64_t groups, cg, og;         // input and output channels per group
} ScConv;

// Of a checked call.
ScConv sc_conv_geometry(const ScCall *);
// Of forward, and in backward of each of the gradients of x and weight that is asked for (ScOp.multiply_adds).
double sc_conv_multiply_adds(const ScCall *, bool backward);
// Checks x, weight, bias and the attributes, and describes output 0.
ScStatus sc_conv_infer(ScCall *);

SC_API_END

#endif
