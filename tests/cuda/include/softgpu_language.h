// The words that CUDA adds to C++.
#ifndef SOFTGPU_LANGUAGE_H
#define SOFTGPU_LANGUAGE_H

#include <cstddef>
#include <cstdint>
#include <vector_types.h>

#undef __global__
#undef __device__
#undef __host__
#undef __shared__
#undef __constant__
#undef __launch_bounds__
#undef __grid_constant__
#undef __forceinline__
#undef __noinline__

#define __global__
#define __device__
#define __host__
#define __constant__
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__    __attribute__((noinline))
// One block runs at a time, so static storage serves. The tag becomes part of the variable's mangled name, in
// templates too, and with -fdata-sections of its section's, so that tests/cuda/shared.ld can gather these
// variables: they are poisoned before each block.
#define __shared__ static __attribute__((abi_tag("softgpu_shared")))

extern "C" {
// Of the thread that runs now.
extern uint3 softgpu_thread_index, softgpu_block_index;
extern dim3 softgpu_block_size, softgpu_grid_size;
void *softgpu_dynamic_shared(void);
}

#define threadIdx softgpu_thread_index
#define blockIdx  softgpu_block_index
#define blockDim  softgpu_block_size
#define gridDim   softgpu_grid_size

static const int warpSize __attribute__((unused)) = 32;

// `extern __shared__ type name[]` cannot be written in C++; kernels say SC_DYNAMIC_SHARED(type, name) instead,
// and name is a type * to the bytes that the launch asked for.
#define SC_DYNAMIC_SHARED(type, name) type *name = static_cast<type *>(softgpu_dynamic_shared())

#endif
