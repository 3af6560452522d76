// Scratch memory of kernels.
#ifndef SCUTE_CUDA_WORKSPACE_H
#define SCUTE_CUDA_WORKSPACE_H

#include "host/core/buffer.h"

SC_C_BEGIN

// Scratch memory of at least `bytes` for the kernel that is launched next: one block per device, which grows
// and is used by one call after the other in stream order. Contents are undefined.
ScStatus sc_cuda_workspace(const ScDevice *, size_t bytes, void **out);
// Counters of the blocks that have come to the end of a launch, for kernels/cuda/last_block.cuh: at least n,
// all 0, as each kernel leaves them.
ScStatus sc_cuda_arrivals(const ScDevice *, int n, unsigned **out);
void sc_workspace_drop(const ScDevice *);

SC_C_END

#endif
