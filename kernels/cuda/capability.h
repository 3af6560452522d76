// What a GPU can do, by its compute capability.
#ifndef SCUTE_CUDA_CAPABILITY_H
#define SCUTE_CUDA_CAPABILITY_H

#include <stdbool.h>

#include "host/core/device.h"

// Times ten: 75 is Turing, 80 Ampere. 0 where the driver does not say.
int sc_cuda_capability(const ScDevice *);

// The half widths beside f16 in which products (convolutions, matrix products) are computed: bf16 came with
// compute capability 8.0. Elsewhere they are computed in f32 and rounded.
unsigned sc_cuda_halves(const ScDevice *);

// Whether f32 products can be rounded to TensorFloat-32, which came with 8.0, too.
bool sc_cuda_has_tf32(const ScDevice *);

// Whether products of half width are faster than those of f32: tensor cores came with Volta, 7.0.
bool sc_cuda_has_tensor_cores(const ScDevice *);

#endif
