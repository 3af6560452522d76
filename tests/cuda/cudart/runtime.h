// Inside libcudart only: how each function of the runtime starts and ends.
#ifndef SOFTGPU_RUNTIME_H
#define SOFTGPU_RUNTIME_H

#include "../core.h"

namespace sg {

cudaError_t remember(cudaError_t); // for cudaGetLastError; gives it back

struct RuntimeCall : Call {
   explicit RuntimeCall(const char *name, bool asks_device = true)
       : Call(name, Library::runtime, asks_device) {}
   // What a function returns that did its work: an injected status, a sticky error that this call ran into, or
   // its own.
   cudaError_t done(cudaError_t own = cudaSuccess) const {
      if (refused()) return remember(cudaError_t(refused()));
      return remember(sticky() != cudaSuccess ? sticky() : own);
   }
};

} // namespace sg

// Starts a function that does nothing where it must fail.
#define CUDA_CALL(name)                                                                                        \
   sg::RuntimeCall call(name);                                                                                 \
   if (call.refused()) return call.done()

#endif
