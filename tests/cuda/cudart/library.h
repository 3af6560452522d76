// Kernels of libraries that are loaded at run time, for launches: what stands for one is a handle.
#ifndef SOFTGPU_LIBRARY_H
#define SOFTGPU_LIBRARY_H

namespace sg {

// The function that a kernel's handle stands for; what is no such handle, as it is.
const void *function_of_kernel(const void *function);

} // namespace sg

#endif
