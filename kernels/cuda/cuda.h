// What the files of the CUDA backend share: the device's stream and libraries, and how a CUDA status becomes
// one of ours.
//
// *.c call the CUDA libraries, *.cu hold kernels and what launches them. All work of a device goes to its one
// stream, in order; nothing waits for it but the copies to the host. Kernels are launched through launch.cuh
// only.
#ifndef SCUTE_CUDA_H
#define SCUTE_CUDA_H

#include <cuda_runtime_api.h>

#include "host/core/device.h"
#include "host/core/op.h"

SC_C_BEGIN

// Makes the device the current one of this thread. Every kernel function begins with it (sc_cuda_launch does it
// too).
ScStatus sc_cuda_use(const ScDevice *);
// The stream on which the device computes.
cudaStream_t sc_cuda_stream(const ScDevice *);
// How many threads the device holds at once, for loops that stride over a grid.
int sc_cuda_resident_threads(const ScDevice *);

// SC_OK, or a message "OP: CUDA: WHAT (cudaErrorName)" with what to do. Out of memory is SC_EMEM. An error that
// leaves the context unusable (an illegal address, a launch failure) says that the program must be started
// anew. `what` names the op or the call, with shapes where they matter.
ScStatus sc_cuda_status(cudaError_t, const char *what);

// Scratch memory of at least `bytes` for the kernel that is launched next: one block per device, which grows
// and is used by one call after the other in stream order. Contents are undefined.
ScStatus sc_cuda_workspace(const ScDevice *, size_t bytes, void **out);

SC_C_END

#define SC_CUDA_TRY(expression, what) SC_TRY(sc_cuda_status((expression), (what)))

#endif
