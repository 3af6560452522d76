// Stands in for the toolkit's cuda_runtime.h where g++ compiles the files of kernels/cuda: the same API header,
// and what nvcc would add to the language. Device code then is ordinary C++ that the software GPU runs thread
// by thread.
#ifndef SOFTGPU_CUDA_RUNTIME_H
#define SOFTGPU_CUDA_RUNTIME_H

#include <cuda_runtime_api.h>
#include <vector_functions.h>

// What nvcc is told to build for.
#define __CUDA_ARCH_LIST__ 610, 700, 800

#include "softgpu_language.h"
#include "softgpu_launch.h"
#include "softgpu_threads.h"
#include "softgpu_math.h"

#endif
