// The one stream of a device, to which all its work goes, in order; nothing waits for it but the copies to the
// host. *.c call the CUDA libraries, *.cu hold kernels, which are launched through launch.cuh only.
#ifndef SCUTE_CUDA_STREAM_H
#define SCUTE_CUDA_STREAM_H

#include <cuda_runtime_api.h>

#include "host/core/device.h"

SC_C_BEGIN

// Makes the device the current one of this thread. Every kernel function begins with it (sc_cuda_launch does it
// too).
ScStatus sc_cuda_use(const ScDevice *);
// The stream on which the device computes; NULL where it was not used so far.
cudaStream_t sc_cuda_stream(const ScDevice *);
// How many threads the device holds at once, for loops that stride over a grid.
int sc_cuda_resident_threads(const ScDevice *);
void sc_stream_close(const ScDevice *);

SC_C_END

#endif
