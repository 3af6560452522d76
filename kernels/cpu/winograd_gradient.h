// The gradient of the filters by tiles (see winograd.h): that of a tile's outputs is transformed by the
// transposed matrix of the output's, times the transformed input for each pair of channels, summed over the
// tiles, transformed back to 3 x 3.
#ifndef SCUTE_CPU_WINOGRAD_GRADIENT_H
#define SCUTE_CPU_WINOGRAD_GRADIENT_H

#include "host/ops/conv2d.h"

typedef struct {
   ScConv g;
   bool half;       // x and dy are bf16, else f32
   const void *x;   // (N, H, W, C)
   const void *dy;  // (N, OH, OW, O)
   float *gradient; // (O, 3, 3, C)
} ScWinogradGradient;

// The gradient of the filters; the same for every number of threads.
ScStatus sc_winograd_gradient(ScDevice *, const ScWinogradGradient *, bool *finite);

#endif
