extern "C" {
#include "kernels/cpu/onednn_guard.h"
}

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <malloc.h>
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

// ---- what oneDNN asks of the libraries of C and C++ ----

// It does not get on well without: most of its objects are made by an operator `new` of its own, which returns
// NULL to a constructor that does not expect it, and its code generator remembers for ever that there was no
// page. So the two functions that these call stand in the place of the C library's and fail as `new` has to.
// Weak: tests have their own. (The C library declares that its own throw nothing, hence the other names.)
//
// Out of a team of threads no exception leads. What oneDNN makes there it looks at, but for one small thing:
// the code of its barrier, the first time that threads wait for each other. For that there is a reserve.
#define IN_PLACE_OF(name) __asm__(name) __attribute__((visibility("default"), weak))

extern "C" {
int throwing_memalign(void **out, std::size_t alignment, std::size_t bytes) IN_PLACE_OF("posix_memalign");
void *throwing_mmap(void *at, std::size_t bytes, int protection, int flags, int fd, off_t offset)
    IN_PLACE_OF("mmap");
}

namespace {

using Mmap = decltype(&mmap);

Mmap real_mmap() {
   static const auto found = reinterpret_cast<Mmap>(dlsym(RTLD_NEXT, "mmap"));
   return found;
}

bool may_throw() {
   return inside && !omp_in_parallel();
}

class Reserve {
 public:
   void *block(std::size_t bytes) noexcept {
      std::size_t size = (bytes + ALIGN - 1) / ALIGN * ALIGN, at = used.fetch_add(size);
      return at + size <= sizeof blocks ? blocks + at : nullptr;
   }

   bool owns(const void *block) const noexcept { return block >= blocks && block < blocks + sizeof blocks; }

   // Memory for code, from where it is mapped to the end.
   void *pages(std::size_t bytes) noexcept { return bytes <= CODE ? mapped.exchange(nullptr) : nullptr; }

 private:
   enum : std::size_t { ALIGN = 16, CODE = 1 << 20 };
   alignas(ALIGN) char blocks[1 << 16];
   std::atomic<std::size_t> used{0};
   std::atomic<void *> mapped{start()};

   static void *start() noexcept {
      void *block = real_mmap()(nullptr, CODE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      return block == MAP_FAILED ? nullptr : block;
   }
};

Reserve reserve;

} // namespace

void *operator new(std::size_t bytes) {
   void *block = std::malloc(bytes ? bytes : 1);
   if (!block && omp_in_parallel()) block = reserve.block(bytes);
   if (!block) throw std::bad_alloc();
   return block;
}

void operator delete(void *block) noexcept {
   if (!reserve.owns(block)) std::free(block);
}

void operator delete(void *block, std::size_t) noexcept {
   operator delete(block);
}

int throwing_memalign(void **out, std::size_t alignment, std::size_t bytes) {
   if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
   void *block = memalign(alignment, bytes);
   if (!block && may_throw()) throw std::bad_alloc();
   if (!block) return ENOMEM;
   *out = block;
   return 0;
}

void *throwing_mmap(void *at, std::size_t bytes, int protection, int flags, int fd, off_t offset) {
   void *block = real_mmap()(at, bytes, protection, flags, fd, offset);
   if (block != MAP_FAILED) return block;
   if (may_throw()) throw std::bad_alloc();
   void *spare = omp_in_parallel() && fd < 0 ? reserve.pages(bytes) : nullptr;
   return spare ? spare : block;
}

#define GUARDED(name) Guard<&dnnl_##name>::call,
const ScDnnl sc_dnnl = {SC_DNNL_ENTRIES(GUARDED)};
