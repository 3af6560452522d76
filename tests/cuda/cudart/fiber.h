// Inside libcudart only: running one block of threads.
#ifndef SOFTGPU_FIBER_H
#define SOFTGPU_FIBER_H

#include <functional>
#include <string>
#include <cuda_runtime_api.h>

namespace sg {

struct KernelRun {
   const char *name;
   void (*invoke)(const void *function, void **arguments);
   const void *function;
   void **arguments;
   dim3 grid, block;
   size_t shared; // dynamic, bytes
   char *static_shared, *static_shared_end;
};

// Runs all blocks. cudaErrorLaunchFailure after a deadlock, cudaErrorIllegalAddress after a fault.
cudaError_t run_kernel(const KernelRun &);

// fiber.cpp: one block; false where its threads wait for each other for ever.
bool run_block(const KernelRun &);
void fibers_reset();
void start_launch(const KernelRun &);
bool on_fiber_stack(const void *address);
void block_order(dim3 grid, const std::function<void(uint3)> &each);

// Reported once a launch for each key.
void kernel_violation(const KernelRun &, const char *key, const std::string &text);

} // namespace sg

#endif
