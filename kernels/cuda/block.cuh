// Sums and maxima over the threads of a warp and of a block, in a fixed order.
#ifndef SCUTE_CUDA_BLOCK_CUH
#define SCUTE_CUDA_BLOCK_CUH

#include "kernels/cuda/launch.cuh"

struct ScAdd {
   template <typename M> __device__ static M join(M a, M b) { return a + b; }
};

// A NaN loses.
struct ScMost {
   template <typename M> __device__ static M join(M a, M b) { return b > a || a != a ? b : a; }
};

// All lanes of the warp get the result.
template <typename Op, typename M> __device__ inline M sc_warp_reduce(M value) {
#pragma unroll
   for (int lane = SC_CUDA_WARP / 2; lane > 0; lane /= 2)
      value = Op::join(value, __shfl_xor_sync(0xffffffff, value, lane));
   return value;
}

// All threads of a one-dimensional block of full warps get the result. Every thread must call it.
template <typename Op, typename M> __device__ inline M sc_block_reduce(M value) {
   __shared__ M sums[SC_CUDA_WARP];
   int lane = (int)threadIdx.x % SC_CUDA_WARP, warp = (int)threadIdx.x / SC_CUDA_WARP;
   int warps = (int)blockDim.x / SC_CUDA_WARP;
   value = sc_warp_reduce<Op>(value);
   if (warps == 1) return value;
   __syncthreads(); // the last call's sums have been read
   if (lane == 0) sums[warp] = value;
   __syncthreads();
   value = sums[0];
   for (int i = 1; i < warps; i++) value = Op::join(value, sums[i]);
   return value;
}

#endif
