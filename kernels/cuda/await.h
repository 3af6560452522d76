// Where the host waits for a GPU. Work that other processes have a part in (kernels/cuda/nccl.h) never ends
// where one of them has died, and a wait for it neither: while there is a communicator on a device the host
// looks at it between naps, aborts it where it has failed, and fails then, so that nobody reads what such work
// left behind.
#ifndef SCUTE_CUDA_AWAIT_H
#define SCUTE_CUDA_AWAIT_H

#include <cuda_runtime_api.h>

#include "kernels/cuda/nccl.h"

// Until the event has come to pass. SC_EIO: it did not, for want of other processes.
ScStatus sc_cuda_await(const ScDevice *, cudaEvent_t, const char *what);
// The same, for so many seconds at most; 0: for those of SCUTE_NCCL_TIMEOUT (kernels/cuda/nccl.h). SC_EIO after
// that, too, and the communicators are aborted.
ScStatus sc_cuda_await_for(const ScDevice *, cudaEvent_t, double seconds, const char *what);
// Until the device has done all that it was given, and other processes their part.
ScStatus sc_cuda_await_all(const ScDevice *, const char *what);

// A communicator, and a stream in which its work is, until that stream is destroyed.
void sc_cuda_watch(const ScDevice *, ScNccl *, cudaStream_t);
void sc_cuda_unwatch(const ScDevice *, cudaStream_t);
// Whether all of them are as they should be.
ScStatus sc_cuda_check_groups(const ScDevice *);

#endif
