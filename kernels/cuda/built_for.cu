#include "kernels/cuda/built_for.h"

#include <cuda_runtime.h>

#include "kernels/cuda/status.h"

namespace {

// Compute capabilities, times a hundred, as nvcc lists them; of the last one there is PTX, too
// (tools/gencode.sh).
const int BUILT_FOR[] = {__CUDA_ARCH_LIST__};

// What is asked for; it is never launched.
__global__ void built_for_this(void) {}

} // namespace

// Code serves what came later in its generation, PTX all that came later. One that is not known may be served.
bool sc_cuda_is_built_for(int capability) {
   int card = 10 * capability, last = 0;
   for (int built : BUILT_FOR) {
      if (built <= card && built / 100 == card / 100) return true;
      last = built;
   }
   return card == 0 || card >= last;
}

ScStatus sc_cuda_find_code(const ScDevice *device) {
   cudaFuncAttributes found;
   return sc_cuda_status(cudaFuncGetAttributes(&found, built_for_this), device->name);
}
