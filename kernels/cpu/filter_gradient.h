// Gradients of filters in bf16, as products over the pixels of the output: each number of a filter gets the sum
// of what the gradient of y holds there times what x holds below. Where there are two threads, those of
// oneDNN's (3.2) way wait for each other, in loops that take twice the time of its products and more.
#ifndef SCUTE_CPU_FILTER_GRADIENT_H
#define SCUTE_CPU_FILTER_GRADIENT_H

#include "host/ops/conv2d.h"

// All are bf16.
typedef struct {
   ScConv g;
   const uint16_t *x;  // (N, H, W, C)
   const uint16_t *dy; // (N, OH, OW, O)
   uint16_t *gradient; // (O, KH, KW, C)
} ScFilterGradient;

// Whether this is the faster way on this processor.
bool sc_filter_gradient_fits(const ScConv *);

// Summed up in f32, in an order that does not depend on the number of threads.
ScStatus sc_filter_gradient(ScDevice *, const ScFilterGradient *);

#endif
