extern "C" {
#include "kernels/cpu/onednn_guard.h"
}

#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <new>
#include <omp.h>
#include <sys/mman.h>

namespace {

thread_local bool inside; // of an entry of oneDNN

template <auto entry> struct Guard;

template <typename... Arguments, dnnl_status_t (*entry)(Arguments...)> struct Guard<entry> {
   static dnnl_status_t call(Arguments... arguments) noexcept {
      inside = true;
      dnnl_status_t status = run(arguments...);
      inside = false;
      return status;
   }

   static dnnl_status_t run(Arguments... arguments) noexcept {
      try {
         return entry(arguments...);
      } catch (const std::bad_alloc &) {
         return dnnl_out_of_memory;
      } catch (...) {
         return dnnl_runtime_error;
      }
   }
};

} // namespace

// ---- what oneDNN asks the C library for ----

// It does not get on well without: most of its objects are made by an operator `new` of its own, which returns
// NULL to a constructor that does not expect it, and its code generator remembers for ever that there was no
// page. So the two functions that these call stand in the place of the C library's and fail as `new` has to;
// but not where several threads compute, out of which no exception leads: there oneDNN looks at what it was
// given. Weak: tests have their own. (The C library
// declares that its own throw nothing, hence the other names.)
#define IN_PLACE_OF(name) __asm__(name) __attribute__((visibility("default"), weak))

extern "C" {
int throwing_memalign(void **out, std::size_t alignment, std::size_t bytes) IN_PLACE_OF("posix_memalign");
void *throwing_mmap(void *at, std::size_t bytes, int protection, int flags, int fd, off_t offset)
    IN_PLACE_OF("mmap");
}

namespace {

bool may_throw() {
   return inside && !omp_in_parallel();
}

} // namespace

int throwing_memalign(void **out, std::size_t alignment, std::size_t bytes) {
   if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
   void *block = std::aligned_alloc(alignment, bytes);
   if (!block && may_throw()) throw std::bad_alloc();
   if (!block) return ENOMEM;
   *out = block;
   return 0;
}

void *throwing_mmap(void *at, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
   static const auto real = reinterpret_cast<decltype(&mmap)>(dlsym(RTLD_NEXT, "mmap"));
   void *block = real(at, bytes, protection, flags, fd, offset);
   if (block == MAP_FAILED && may_throw()) throw std::bad_alloc();
   return block;
}

#define GUARDED(name) Guard<&dnnl_##name>::call,
const ScDnnl sc_dnnl = {SC_DNNL_ENTRIES(GUARDED)};
