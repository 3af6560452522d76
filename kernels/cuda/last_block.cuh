// The block that comes last, which joins what the others have left in memory: one launch instead of two.
#ifndef SCUTE_CUDA_LAST_BLOCK_CUH
#define SCUTE_CUDA_LAST_BLOCK_CUH

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/workspace.h"

// Called by all threads of each of `blocks` blocks, once they have written what they leave. True in all threads
// of the block that comes last; it sees what the others wrote if it reads through volatile. *arrived is one of
// sc_cuda_arrivals.
__device__ inline bool sc_is_last_block(unsigned *arrived, unsigned blocks) {
   __shared__ bool last;
   __threadfence();
   __syncthreads();
   if (threadIdx.x == 0) {
      last = atomicAdd(arrived, 1u) == blocks - 1;
      if (last) *arrived = 0;
   }
   __syncthreads();
   __threadfence();
   return last;
}

#endif
