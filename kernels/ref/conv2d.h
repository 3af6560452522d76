// The forward convolution, shared by conv2d and conv2d_folded.
#ifndef SCUTE_REF_CONV2D_H
#define SCUTE_REF_CONV2D_H

#include "host/ops/conv2d.h"

// y (N, H', W', O) = x (N, H, W, C) with w (O, KH, KW, C / groups) plus bias (O), which may be NULL.
void sc_ref_conv2d(const ScConv *, const double *x, const double *w, const double *bias, double *y);

#endif
