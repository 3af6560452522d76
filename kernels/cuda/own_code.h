// Code of ops that a script declared (host/ops/own_op.h), compiled at run time and loaded: for each GPU and
// dtype.
#ifndef SCUTE_CUDA_OWN_CODE_H
#define SCUTE_CUDA_OWN_CODE_H

#include "host/ops/own_op.h"
#include "kernels/cuda/stream.h"

SC_C_BEGIN

// The kernels of a library, NULL where it has none of that name.
typedef enum {
   SC_OWN_FORWARD,           // of whole functions: "forward"
   SC_OWN_BACKWARD,          // "backward"
   SC_OWN_FORWARD_VECTORS,   // of functions of each element: "forward_vectors"; sixteen bytes at a time
   SC_OWN_FORWARD_ELEMENTS,  // "forward_elements"
   SC_OWN_BACKWARD_VECTORS,  // "backward_vectors"
   SC_OWN_BACKWARD_ELEMENTS, // "backward_elements"
   SC_OWN_KERNELS,
} ScOwnKernel;

typedef struct {
   void *library;                       // cudaLibrary_t; NULL: nothing was loaded
   const void *kernels[SC_OWN_KERNELS]; // cudaKernel_t
} ScOwnCode;

// The code of a call; where there is none yet, it is compiled and loaded.
ScStatus sc_own_code_find(const ScCall *, ScDtype, const ScOwnCode **out);
// What a backend is asked for, see host/core/device.h.
ScStatus sc_own_code_load(ScDevice *, const ScOp *, ScDtype, const void *code);
void sc_own_code_close(const ScDevice *);

// Launches a kernel of it on the device's stream; `arguments` as cudaLaunchKernel takes them.
ScStatus sc_own_code_launch(const ScCall *, const ScOwnCode *, ScOwnKernel, dim3 grid, dim3 block,
                            void **arguments);

SC_C_END

#endif
