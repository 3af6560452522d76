// One value in every element.
#ifndef SCUTE_CUDA_FILL_H
#define SCUTE_CUDA_FILL_H

#include "host/core/device.h"

SC_C_BEGIN

// Writes `element` (of 1, 2, 4 or 8 bytes, on the host) n times. ScBackend.fill of this backend.
ScStatus sc_cuda_fill(ScDevice *, void *to, const void *element, size_t size, int64_t n);

SC_C_END

#endif
