// Convolutions of 3 x 3 filters with stride 1 as products of transformed tiles (Winograd; Lavin and Gray 2015,
// https://arxiv.org/abs/1509.09308): a tile of 4 x 4 output pixels takes 36 multiplications a channel, not 144.
// All is computed in f32, also where activations are bf16.
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
   const float *bias;    // (O)
   const void *residual; // (N, OH, OW, O) or NULL
   void *y;              // (N, OH, OW, O)
} ScWinograd;

// Whether this is the faster way on this processor.
bool sc_winograd_fits(const ScConv *, ScAct, bool half);

size_t sc_winograd_filter_bytes(const ScConv *);
// From filters (O, 3, 3, C).
void sc_winograd_filters(const ScConv *, const float *plain, float *filters);

// *finite is false where an output is infinite or not a number: such spread over whole tiles, so that the
// output is to be computed anew in another way.
ScStatus sc_winograd(ScDevice *, const ScWinograd *, bool *finite);

#endif
