// The three directions of convolutions by tiles (see winograd.h), for one kind of processor each. What they
// keep between them lies the same in all.
#ifndef SCUTE_CPU_WINOGRAD_WAY_H
#define SCUTE_CPU_WINOGRAD_WAY_H

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"

typedef struct {
   ScConv g;
   ScAct act;            // none, relu, relu6 or silu
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

typedef struct {
   ScStatus (*forward)(ScDevice *, const ScWinograd *, bool *finite);
   ScStatus (*gradient)(ScDevice *, const ScWinogradGradient *, bool *finite);
   void (*filters)(const ScConv *, bool turned, bool half, const void *plain, float *filters);
} ScWinogradWay;

extern const ScWinogradWay sc_winograd_avx2, sc_winograd_avx512;

#endif
