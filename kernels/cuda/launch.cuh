// The one way in which kernels are launched, and what they share.
//
// The sources here are compiled twice: by nvcc for GPUs, and as plain C++ for the software GPU of the tests
// (tests/cuda), whose cuda_runtime.h stands in for nvcc. So there is no <<<>>>, and dynamic shared memory is
// declared by SC_DYNAMIC_SHARED.
#ifndef SCUTE_CUDA_LAUNCH_CUH
#define SCUTE_CUDA_LAUNCH_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include "host/core/op.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

#ifndef SC_DYNAMIC_SHARED
#define SC_DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#endif

enum { SC_CUDA_BLOCK = 256, SC_CUDA_WARP = 32 };

// Launches `kernel` on the device's stream. `what` names the op in a message.
template <typename... P, typename... A>
ScStatus sc_cuda_launch(const ScDevice *device, const char *what, void (*kernel)(P...), dim3 grid, dim3 block,
                        size_t shared, A... args) {
   static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel takes");
   SC_TRY(sc_cuda_use(device));
   return [&](P... converted) {
      void *pointers[] = {(void *)&converted..., nullptr};
      return sc_cuda_status(cudaLaunchKernel(kernel, grid, block, pointers, shared, sc_cuda_stream(device)),
                            what);
   }(args...);
}

// Blocks of SC_CUDA_BLOCK threads for a grid-stride loop over n elements: no more than the device holds at
// once, four times.
static inline dim3 sc_cuda_grid(const ScDevice *device, int64_t n) {
   int64_t wanted = (n + SC_CUDA_BLOCK - 1) / SC_CUDA_BLOCK;
   int64_t most = 4 * (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK;
   return dim3((unsigned)(wanted < 1 ? 1 : wanted < most ? wanted : most));
}

#endif
