// What is being done, for a profiler that looks at the program (Nsight Systems shows it above the kernels).
#ifndef SCUTE_CUDA_RANGE_H
#define SCUTE_CUDA_RANGE_H

// Ranges lie within each other. Without a profiler they cost nothing: it says that it is there by
// NVTX_INJECTION64_PATH in the environment, and is the only library that is opened for them.
void sc_cuda_begin_range(const char *name, const char *more);
void sc_cuda_end_range(void);

#endif
