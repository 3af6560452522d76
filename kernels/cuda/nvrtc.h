// NVRTC, NVIDIA's compiler for CUDA at run time. It is opened when a kernel is first compiled, and looked for
// beside the CUDA runtime, then where the dynamic linker looks.
#ifndef SCUTE_CUDA_NVRTC_H
#define SCUTE_CUDA_NVRTC_H

#include <stddef.h>

#include "host/core/device.h"

// What would compile, and for which card: "NVRTC 13.0 for sm_90", or "... for compute_121" where it knows no
// card so new and makes PTX of the last one it knows, which the driver translates. Compiled code is kept under
// it.
ScStatus sc_nvrtc_compiler(ScDevice *, char name[64]);

// Compiles CUDA source. `code` is to be freed: what cudaLibraryLoadData takes. Where the source is wrong the
// message is "PLACE, line N: what is wrong", PLACE and N being those of its #line directives (SC_EARG).
ScStatus sc_nvrtc_compile(ScDevice *, const char *source, void **code, size_t *bytes);

#endif
