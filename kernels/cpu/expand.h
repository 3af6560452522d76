// The 1 x 1 convolutions that widen a few channels to many and end in SiLU, as at the beginning of the blocks
// of an EfficientNet: there the activation takes longer than the products. oneDNN's (3.2) takes twice as long.
#ifndef SCUTE_CPU_EXPAND_H
#define SCUTE_CPU_EXPAND_H

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"

typedef struct {
   ScConv g;
   bool half;           // x and y are bf16, else f32
   const void *x;       // (N, H, W, C)
   const void *filters; // as sc_expand_filters makes them
   const float *bias;   // (O)
   void *y;             // (N, H, W, O)
} ScExpand;

// Whether sc_expand is the faster way on this processor.
bool sc_expand_fits(const ScConv *, ScAct, bool half);

size_t sc_expand_filter_bytes(const ScConv *, bool half);
// From filters (O, 1, 1, C) in f32.
void sc_expand_filters(const ScConv *, const float *plain, bool half, void *filters);

void sc_expand(const ScExpand *);

#endif
