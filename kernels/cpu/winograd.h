// Convolutions of 3 x 3 filters with stride 1 as products of transformed tiles (Winograd; Lavin and Gray 2015,
// https://arxiv.org/abs/1509.09308): a tile of 4 x 4 output pixels takes 36 multiplications a channel, not 144.
// All is computed in f32, also where activations and filters are bf16; only results are rounded to bf16, once.
// Against float64, relative to the largest result and by the root of the mean square (of 64, 256 and 512
// channels): outputs and gradients of x 6e-7 to 7e-7 (oneDNN's direct way 4e-7, 8e-7 and 11e-7), of filters
// 5e-7 to 8e-7 (2e-7); in bf16 the last rounding is all of it.
#ifndef SCUTE_CPU_WINOGRAD_H
#define SCUTE_CPU_WINOGRAD_H

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"

typedef struct {
   ScConv g;
   ScAct act;            // none, relu or relu6
   bool half;            // x, residual and y are bf16, else f32
   const void *x;        // (N, H, W, C)
   const float *filters; // as sc_winograd_filters makes them
   const float *bias;    // (O) or NULL
   const void *residual; // (N, OH, OW, O) or NULL
   void *y;              // (N, OH, OW, O)
} ScWinograd;

typedef struct {
   ScConv g;
   bool half;       // x and dy are bf16, else f32
   const void *x;   // (N, H, W, C)
   const void *dy;  // (N, OH, OW, O)
   float *gradient; // (O, 3, 3, C)
} ScWinogradGradient;

// Whether this is the faster way on this processor.
bool sc_winograd_fits(const ScConv *, ScAct, bool half);
bool sc_winograd_gradient_fits(const ScConv *, bool half);

// The convolution of dy that gives the gradient of x: with filters `turned`.
ScConv sc_winograd_turned(const ScConv *);

size_t sc_winograd_filter_bytes(const ScConv *);
int64_t sc_winograd_filter_step(int64_t channels); // floats from one of the products' matrices to the next
// From filters (O, 3, 3, C) in f32 or bf16. Where `turned`, they are those of the convolution whose gradient is
// computed: (C, 3, 3, O), of which inputs and outputs change places and taps are counted from the other end.
void sc_winograd_filters(const ScConv *, bool turned, bool half, const void *plain, float *filters);

// *finite is false where an output is infinite or not a number: such spread over whole tiles, so that the
// output is to be computed anew in another way.
ScStatus sc_winograd(ScDevice *, const ScWinograd *, bool *finite);
// The gradient of the filters; the same for every number of threads.
ScStatus sc_winograd_gradient(ScDevice *, const ScWinogradGradient *, bool *finite);

#endif
