// Inside libcudart only: what kernels take of a multiprocessor.
#ifndef SOFTGPU_USAGE_H
#define SOFTGPU_USAGE_H

#include "../core.h"

namespace sg {

struct Usage {
   int registers = 0; // of a thread; 0: unknown
   size_t shared = 0; // static, of a block
};

// 0 of everything where no record lies beside the kernel's library; a violation where there is one without it.
Usage usage_of(const void *function, const std::string &name);
size_t block_registers(const Usage &, size_t threads);
size_t most_threads(const Usage &); // of a block
size_t resident_blocks(const Usage &, size_t threads, size_t dynamic_shared);

} // namespace sg

#endif
