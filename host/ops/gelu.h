// What the kernels of gelu share.
#ifndef SCUTE_GELU_H
#define SCUTE_GELU_H

#include "host/core/op.h"

enum { SC_GELU_APPROXIMATE }; // attribute, a choice: 1 is tanh

#define SC_GELU_SQRT_HALF   0.70710678118654752440
#define SC_GELU_DENSITY     0.39894228040143267794 // 1 / sqrt(2 pi)
#define SC_GELU_TANH_FACTOR 0.79788456080286535588 // sqrt(2 / pi)
#define SC_GELU_TANH_CUBIC  0.044715

#endif
