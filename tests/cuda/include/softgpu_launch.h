// Launching: the typed overloads of cuda_runtime.h, which tell the library how to call a kernel from void **
// arguments.
#ifndef SOFTGPU_LAUNCH_H
#define SOFTGPU_LAUNCH_H

#include <cuda_runtime_api.h>
#include <type_traits>
#include <utility>

extern "C" {
struct SoftgpuKernel {
   void (*invoke)(const void *function, void **arguments);
   int count;                 // of parameters
   const unsigned *sizes;     // bytes of each
   const bool *is_pointer;    // each
   char *shared, *shared_end; // static shared memory of the file's library
};
void softgpu_register_kernel(const void *function, const struct SoftgpuKernel *);
// From shared.ld; absent where a library is linked without it.
extern char softgpu_shared_start[] __attribute__((weak, visibility("hidden")));
extern char softgpu_shared_end[] __attribute__((weak, visibility("hidden")));
}

namespace softgpu {

template <class... A> struct Signature {
   template <size_t... I>
   static void unpack(const void *function, void **arguments, std::index_sequence<I...>) {
      auto typed = reinterpret_cast<void (*)(A...)>(const_cast<void *>(function));
      typed(*static_cast<std::remove_cv_t<std::remove_reference_t<A>> *>(arguments[I])...);
   }
   static void invoke(const void *function, void **arguments) {
      unpack(function, arguments, std::index_sequence_for<A...>());
   }
   static void enrol(void (*function)(A...)) {
      static const unsigned sizes[] = {unsigned(sizeof(std::remove_reference_t<A>))..., 0u};
      static const bool is_pointer[] = {std::is_pointer_v<A>..., false};
      const SoftgpuKernel kernel = {invoke,     int(sizeof...(A)),    sizes,
                                    is_pointer, softgpu_shared_start, softgpu_shared_end};
      softgpu_register_kernel(reinterpret_cast<const void *>(function), &kernel);
   }
};

} // namespace softgpu

template <class... A>
inline cudaError_t cudaLaunchKernel(void (*function)(A...), dim3 grid, dim3 block, void **arguments,
                                    size_t shared = 0, cudaStream_t stream = nullptr) {
   softgpu::Signature<A...>::enrol(function);
   return ::cudaLaunchKernel(reinterpret_cast<const void *>(function), grid, block, arguments, shared, stream);
}

template <class... A>
inline cudaError_t cudaFuncSetAttribute(void (*function)(A...), cudaFuncAttribute attribute, int value) {
   softgpu::Signature<A...>::enrol(function);
   return ::cudaFuncSetAttribute(reinterpret_cast<const void *>(function), attribute, value);
}

template <class... A>
inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *out, void (*function)(A...)) {
   softgpu::Signature<A...>::enrol(function);
   return ::cudaFuncGetAttributes(out, reinterpret_cast<const void *>(function));
}

template <class... A>
inline cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, void (*function)(A...),
                                                                 int block_size, size_t shared) {
   softgpu::Signature<A...>::enrol(function);
   return ::cudaOccupancyMaxActiveBlocksPerMultiprocessor(blocks, reinterpret_cast<const void *>(function),
                                                          block_size, shared);
}

template <class T> inline cudaError_t cudaMalloc(T **out, size_t bytes) {
   return ::cudaMalloc(reinterpret_cast<void **>(out), bytes);
}

template <class T> inline cudaError_t cudaMallocHost(T **out, size_t bytes, unsigned flags = 0) {
   return ::cudaHostAlloc(reinterpret_cast<void **>(out), bytes, flags);
}

template <class T> inline cudaError_t cudaHostAlloc(T **out, size_t bytes, unsigned flags) {
   return ::cudaHostAlloc(reinterpret_cast<void **>(out), bytes, flags);
}

#endif
