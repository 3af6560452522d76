// CUDA source compiled by g++, as tests/cuda/softgpu.mk compiles kernels/cuda.
#ifndef SOFTGPU_COMPILE_H
#define SOFTGPU_COMPILE_H

#include <map>
#include <string>

namespace sg {

// Where it compiles, `object` is a shared object that tells its kernels (softgpu_kernels); else the log has the
// errors as NVRTC would write them.
bool compile_source(const std::string &source, const std::string &name,
                    const std::map<std::string, std::string> &headers, std::string *object, std::string *log);

} // namespace sg

#endif
