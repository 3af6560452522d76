// Kernels: what a launch is refused for, and how it runs later, with faults caught and shared memory poisoned.
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <sys/mman.h>
#include <unistd.h>
#include "../include/softgpu_language.h"
#include "../include/softgpu_launch.h"
#include "../softgpu.h"
#include "fiber.h"
#include "library.h"
#include "runtime.h"
#include "usage.h"

namespace sg {

namespace {

const unsigned char poison = 0xff;
const size_t page = 4096, plain_shared = 48 << 10, most_shared = 99 << 10, most_arguments = 32764;

struct Kernel {
   SoftgpuKernel how;
   std::string name;
   Usage usage;
   size_t shared_limit = plain_shared, launches = 0;
   std::vector<std::pair<char *, size_t>> touched; // parts of the static shared memory that its blocks write
};

std::map<const void *, Kernel> &kernels() {
   static auto *all = new std::map<const void *, Kernel>;
   return *all;
}

Kernel *kernel_of(const void *function) {
   auto at = kernels().find(function);
   return at == kernels().end() ? nullptr : &at->second;
}

// ---- dynamic shared memory: ends at an inaccessible page ----

char *shared_pages() {
   static char *at = [] {
      size_t bytes = (most_shared + page - 1) / page * page;
      void *p = mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (p == MAP_FAILED || mprotect(static_cast<char *>(p) + bytes, page, PROT_NONE) != 0) abort();
      return static_cast<char *>(p) + bytes;
   }();
   return at; // its end
}

char *dynamic_shared_now;

// ---- static shared memory ----
//
// A library has about a megabyte of it, all poisoned and closed to writing. What a kernel writes opens the
// page, so that only open pages are looked through after a launch.

struct Shared {
   char *start, *end;
   std::vector<char *> open; // pages that can be written to
};

const size_t most_open = 24; // pages that it takes longer to look through than to close

std::map<char *, Shared> &shared_regions() {
   static auto *all = new std::map<char *, Shared>;
   return *all;
}

void protect_shared(char *from, size_t bytes, int how) {
   if (mprotect(from, bytes, how) == 0) return;
   perror("softgpu: mprotect of shared memory");
   abort();
}

// Poisons it and closes it, once.
void prepare_shared(char *start, char *end) {
   if (!start || shared_regions().count(start)) return;
   Shared made = {start, end, {}};
   memset(start, poison, size_t(end - start));
   protect_shared(start, size_t(end - start), PROT_READ);
   made.open.reserve(size_t(end - start) / page); // the fault handler must not allocate
   shared_regions()[start] = std::move(made);
}

// Opens the page of an address; false: it is no shared memory.
bool open_shared(const void *address) {
   char *p = reinterpret_cast<char *>(reinterpret_cast<uintptr_t>(address) & ~uintptr_t(page - 1));
   for (auto &[start, region] : shared_regions()) {
      if (p < start || p >= region.end) continue;
      protect_shared(p, page, PROT_READ | PROT_WRITE);
      region.open.push_back(p);
      return true;
   }
   return false;
}

bool poisoned(const char *p, size_t n) { // at most a page
   static const std::vector<unsigned char> clean(page, poison);
   return memcmp(p, clean.data(), n) == 0;
}

void note_touched(Kernel &k, char *p, size_t n) {
   if (!k.touched.empty() && k.touched.back().first + k.touched.back().second == p)
      k.touched.back().second += n;
   else
      k.touched.push_back({p, n});
}

// Poisons every piece of a page that holds something else.
void search_page(Kernel &k, char *from) {
   const size_t piece = 64;
   for (char *p = from; p < from + page; p += piece) {
      if (poisoned(p, piece)) continue;
      memset(p, poison, piece);
      note_touched(k, p, piece);
   }
}

// Finds what this kernel wrote beyond what is known, and poisons it.
void search_shared(Kernel &k) {
   if (!k.how.shared) return;
   for (auto &[p, n] : k.touched) memset(p, poison, n);
   Shared &region = shared_regions()[k.how.shared];
   for (char *p : region.open)
      if (!poisoned(p, page)) search_page(k, p);
   if (region.open.size() < most_open) return;
   protect_shared(region.start, size_t(region.end - region.start), PROT_READ);
   region.open.clear();
}

// ---- faults ----

sigjmp_buf fault_return;
thread_local bool in_kernel = false;
void *fault_address;
std::string misalignment; // of the access that the fault is, else empty
struct sigaction old_segv, old_bus;

void say(const char *text) {
   ssize_t ignored = write(2, text, strlen(text));
   (void)ignored;
}

void on_fault(int signal, siginfo_t *info, void *) {
   if (memory_touch(info->si_addr) || open_shared(info->si_addr)) return;
   if (in_kernel) {
      fault_address = info->si_addr;
      siglongjmp(fault_return, signal);
   }
   if (in_arena(info->si_addr)) {
      say("softgpu: the host touches device memory: ");
      say(describe(info->si_addr).c_str());
      say("\n");
   }
   sigaction(signal, signal == SIGBUS ? &old_bus : &old_segv, nullptr); // the instruction faults again
}

void catch_faults() {
   static thread_local bool ready = false;
   if (!ready) {
      const size_t bytes = 64 << 10;
      stack_t stack = {};
      stack.ss_sp = malloc(bytes);
      stack.ss_size = bytes;
      sigaltstack(&stack, nullptr);
      ready = true;
   }
}

__attribute__((constructor)) void install_handlers() {
   catch_faults();
   struct sigaction action = {};
   action.sa_sigaction = on_fault;
   action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
   sigaction(SIGSEGV, &action, &old_segv);
   sigaction(SIGBUS, &action, &old_bus);
}

std::string place_of(const void *p) {
   const char *end = shared_pages(), *at = static_cast<const char *>(p);
   if (at < dynamic_shared_now || at >= end) return describe(p);
   return std::to_string(at - dynamic_shared_now) + " bytes into dynamic shared memory";
}

std::string fault_text() {
   if (!misalignment.empty()) return misalignment;
   if (on_fiber_stack(fault_address)) return "a thread's stack (local memory) overflows";
   char *end = shared_pages();
   char *at = static_cast<char *>(fault_address);
   if (at >= end && at < end + page) return "access past the end of dynamic shared memory";
   char text[32];
   snprintf(text, sizeof text, "%p", fault_address);
   return std::string("illegal access to ") + text + ", " + describe(fault_address);
}

// ---- launches ----

struct Launch {
   const void *function;
   dim3 grid, block;
   size_t shared;
   std::vector<char> bytes; // of all arguments
   std::vector<void *> arguments;
   int late_failure;
};

bool bad_shape(dim3 grid, dim3 block) {
   if (!grid.x || !grid.y || !grid.z || !block.x || !block.y || !block.z) return true;
   if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) return true;
   if (block.x > 1024 || block.y > 1024 || block.z > 64) return true;
   return size_t(block.x) * block.y * block.z > 1024;
}

bool too_many_threads(const Kernel &k, dim3 block) {
   return size_t(block.x) * block.y * block.z > most_threads(k.usage);
}

bool pointer_ok(const Kernel &k, int parameter, const void *p) {
   if (!p || pinned_range(p, 0)) return true;
   const Allocation *a = device_range(p, 0);
   if (a && a->device == current_device()) return true;
   violation("kernel %s: parameter %d points to %s", k.name.c_str(), parameter + 1,
             a ? "another device's memory" : describe(p).c_str());
   return false;
}

cudaError_t run_launch(Launch &l) {
   if (l.late_failure) return cudaError_t(l.late_failure);
   const Kernel *k = kernel_of(l.function);
   KernelRun run = {k->name.c_str(), k->how.invoke, l.function,    l.arguments.data(), l.grid,
                    l.block,         l.shared,      k->how.shared, k->how.shared_end};
   for (int i = 0; i < k->how.count; i++)
      if (k->how.is_pointer[i]) memory_touch(*static_cast<void **>(l.arguments[size_t(i)]));
   cudaError_t error = run_kernel(run);
   check_canaries(k->name.c_str());
   return error;
}

cudaError_t launch(const RuntimeCall &call, const void *function, dim3 grid, dim3 block, void **arguments,
                   size_t shared, cudaStream_t stream) {
   function = function_of_kernel(function);
   Kernel *k = kernel_of(function);
   if (!k) return cudaErrorInvalidDeviceFunction;
   if (bad_shape(grid, block)) return cudaErrorInvalidConfiguration;
   if (shared + k->usage.shared > k->shared_limit) return cudaErrorInvalidValue;
   if (too_many_threads(*k, block)) return cudaErrorLaunchOutOfResources;
   auto l = std::make_shared<Launch>();
   *l = {function, grid, block, shared, {}, {}, call.injected_late()};
   size_t total = 0;
   for (int i = 0; i < k->how.count; i++) total = (total + 15) / 16 * 16 + k->how.sizes[i];
   if (total > most_arguments) return cudaErrorInvalidValue;
   l->bytes.resize(total + 16);
   auto base = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(l->bytes.data()) + 15) / 16 * 16);
   size_t at = 0;
   for (int i = 0; i < k->how.count; i++) {
      at = (at + 15) / 16 * 16;
      memcpy(base + at, arguments[i], k->how.sizes[i]);
      if (k->how.is_pointer[i] && !pointer_ok(*k, i, *static_cast<void **>(arguments[i])))
         l->late_failure = cudaErrorIllegalAddress;
      l->arguments.push_back(base + at);
      at += k->how.sizes[i];
   }
   k->launches++;
   return enqueue(stream, k->name.c_str(), [l] { return run_launch(*l); });
}

} // namespace

cudaError_t run_kernel(const KernelRun &run) {
   Kernel &k = kernels()[run.function];
   catch_faults();
   const size_t room = (run.shared + 15) / 16 * 16;
   dynamic_shared_now = shared_pages() - room;
   start_launch(run);
   misalignment.clear();
   if (sigsetjmp(fault_return, 1)) {
      in_kernel = false;
      kernel_violation(run, "fault", fault_text());
      fibers_reset();
      search_shared(k);
      return misalignment.empty() ? cudaErrorIllegalAddress : cudaErrorMisalignedAddress;
   }
   size_t blocks = 0;
   bool well = true;
   block_order(run.grid, [&](uint3 at) {
      if (!well) return;
      softgpu_block_index = at;
      if (run.shared) memset(dynamic_shared_now, poison, room);
      in_kernel = true;
      well = run_block(run);
      in_kernel = false;
      if (blocks++ == 0) return search_shared(k);
      for (auto &[p, n] : k.touched) memset(p, poison, n);
   });
   if (blocks > 1) search_shared(k);
   return well ? cudaSuccess : cudaErrorLaunchFailure;
}

} // namespace sg

using namespace sg;

extern "C" {

void *softgpu_dynamic_shared(void) {
   return dynamic_shared_now;
}

// What -fsanitize=alignment calls before an access to an address that is no multiple of its type's alignment.
// The layout of what it is given is that of GCC's libsanitizer.
struct SanitizedPlace {
   const char *file;
   unsigned line, column;
};
struct SanitizedAccess {
   SanitizedPlace place;
   const void *type;
   unsigned char log_alignment, kind;
};
void __ubsan_handle_type_mismatch_v1(const SanitizedAccess *access, const void *at);

void __ubsan_handle_type_mismatch_v1(const SanitizedAccess *access, const void *at) {
   const char *slash = strrchr(access->place.file, '/');
   std::string text = "misaligned access to " + place_of(at) + ", which is no multiple of " +
                      std::to_string(1 << access->log_alignment) + " bytes, at " +
                      (slash ? slash + 1 : access->place.file) + ":" + std::to_string(access->place.line);
   if (!in_kernel) return violation("on the host: %s", text.c_str());
   misalignment = text;
   siglongjmp(fault_return, 1);
}

const char *softgpu_kernel(size_t i, size_t *launches) {
   std::lock_guard guard(big_lock());
   if (i >= kernels().size()) return nullptr;
   const Kernel &k = std::next(kernels().begin(), long(i))->second;
   *launches = k.launches;
   return k.name.c_str();
}

void softgpu_register_kernel(const void *function, const struct SoftgpuKernel *how) {
   std::lock_guard guard(big_lock());
   auto [at, fresh] = kernels().try_emplace(function);
   if (!fresh) return;
   at->second.how = *how;
   at->second.name = function_name(function);
   at->second.usage = usage_of(function, at->second.name);
   if (!at->second.how.shared_end) at->second.how.shared = nullptr;
   prepare_shared(at->second.how.shared, at->second.how.shared_end);
}

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared,
                             cudaStream_t stream) {
   CUDA_CALL("cudaLaunchKernel");
   return call.done(launch(call, function, grid, block, arguments, shared, stream));
}

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value) {
   CUDA_CALL("cudaFuncSetAttribute");
   auto at = kernels().find(function_of_kernel(function));
   if (at == kernels().end()) return call.done(cudaErrorInvalidDeviceFunction);
   if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout)
      return call.done(value < -1 || value > 100 ? cudaErrorInvalidValue : cudaSuccess);
   if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return call.done(cudaErrorInvalidValue);
   if (value < 0 || size_t(value) + at->second.usage.shared > most_shared)
      return call.done(cudaErrorInvalidValue);
   at->second.shared_limit = std::max(plain_shared, size_t(value) + at->second.usage.shared);
   return call.done();
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *out, const void *function) {
   CUDA_CALL("cudaFuncGetAttributes");
   const Kernel *k = kernel_of(function_of_kernel(function));
   if (!out) return call.done(cudaErrorInvalidValue);
   if (!k) return call.done(cudaErrorInvalidDeviceFunction);
   memset(out, 0, sizeof *out);
   out->maxThreadsPerBlock = int(most_threads(k->usage));
   out->numRegs = k->usage.registers ? k->usage.registers : 32;
   out->sharedSizeBytes = k->usage.shared;
   out->maxDynamicSharedSizeBytes = int(k->shared_limit - k->usage.shared);
   return call.done();
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int block_size,
                                                          size_t shared) {
   CUDA_CALL("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
   if (!blocks || block_size < 1 || block_size > 1024) return call.done(cudaErrorInvalidValue);
   const Kernel *k = kernel_of(function_of_kernel(function));
   if (!k) return call.done(cudaErrorInvalidDeviceFunction);
   *blocks = int(resident_blocks(k->usage, size_t(block_size), shared));
   return call.done();
}
}
