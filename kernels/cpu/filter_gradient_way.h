// Gradients of filters (see filter_gradient.h), for each width of numbers and kind of processor.
#ifndef SCUTE_CPU_FILTER_GRADIENT_WAY_H
#define SCUTE_CPU_FILTER_GRADIENT_WAY_H

#include "host/ops/conv2d.h"

typedef struct {
   ScConv g;
   const void *x;  // (N, H, W, C)
   const void *dy; // (N, OH, OW, O)
   void *gradient; // (O, KH, KW, C)
} ScFilterGradient;

// How pixels of x and of dy are walked along together; distances are in what the products see.
typedef struct {
   int64_t images, rows, columns;
   int64_t x_image, x_row, x_pixel, dy_image, dy_row;
} ScWalk;

typedef struct {
   bool (*fits)(const ScConv *);
   ScStatus (*run)(ScDevice *, const ScFilterGradient *);
} ScFilterGradientWay;

extern const ScFilterGradientWay sc_filter_gradient_bf16, sc_filter_gradient_avx2;

#endif
