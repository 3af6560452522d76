// How a status of CUDA becomes one of ours.
#ifndef SCUTE_CUDA_STATUS_H
#define SCUTE_CUDA_STATUS_H

#include <cuda_runtime_api.h>

#include "host/core/status.h"

SC_C_BEGIN

// SC_OK, or a message "OP: CUDA: WHAT (cudaErrorName)" with what to do. Out of memory is SC_EMEM. An error that
// leaves the context unusable (an illegal address, a launch failure) says that the program must be started
// anew. `what` names the op or the call, with shapes where they matter.
ScStatus sc_cuda_status(cudaError_t, const char *what);

SC_C_END

#define SC_CUDA_TRY(expression, what) SC_TRY(sc_cuda_status((expression), (what)))

#endif
