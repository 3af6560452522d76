#include "kernels/cuda/capability.h"

#include <cuda_runtime_api.h>

enum { VOLTA = 70, AMPERE = 80 };

// It is asked for by every product, and does not change.
int sc_cuda_capability(const ScDevice *device) {
   static int known[SC_MAXDEVICES];
   int major, minor, *capability = &known[device->index];
   if (*capability > 0) return *capability;
   if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device->index) == cudaSuccess &&
       cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device->index) == cudaSuccess)
      *capability = 10 * major + minor;
   else
      cudaGetLastError();
   return *capability;
}

unsigned sc_cuda_halves(const ScDevice *device) {
   return sc_cuda_capability(device) >= AMPERE ? 1u << SC_BF16 : 0;
}

bool sc_cuda_has_tf32(const ScDevice *device) {
   return sc_cuda_capability(device) >= AMPERE;
}

// The GTX 16, a Turing without them, has float16 at twice the speed of float32 all the same.
bool sc_cuda_has_tensor_cores(const ScDevice *device) {
   return sc_cuda_capability(device) >= VOLTA;
}
