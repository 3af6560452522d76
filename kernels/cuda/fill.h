// One value in every element.
#ifndef SCUTE_CUDA_FILL_CUH
#define SCUTE_CUDA_FILL_CUH

#include "kernels/cuda/cuda.h"

SC_C_BEGIN

// Writes `element` (of 1, 2, 4 or 8 bytes, on the host) n times. ScBackend.fill of this backend.
ScStatus sc_cuda_fill(ScDevice *, void *to, const void *element, size_t size, int64_t n);

SC_C_END

#endif
