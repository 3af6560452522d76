// Device memory: one reserved range of addresses; every allocation ends where an inaccessible page begins, and
// all of it is inaccessible while no device work runs. Pinned host memory is ordinary memory between
// inaccessible pages.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <sys/mman.h>
#include "../core.h"

namespace sg {

namespace {

const size_t page = 4096;
const size_t arena_bytes =
    size_t(1) << 42;        // addresses are never used again, so that a stale pointer is always noticed
const size_t granule = 256; // alignment that cudaMalloc promises
const unsigned char canary = 0xa5, poison = 0xff; // 0xff: NaN in every floating type, -1 in integers

struct Arena {
   uintptr_t start = 0, next = 0;
   std::map<uintptr_t, Allocation> device, pinned;
   std::map<uintptr_t, Allocation> freed;             // while work was queued that may use it
   std::map<uintptr_t, std::function<bool()>> passed; // has that work run?
   std::map<int, size_t> used;
   size_t serial = 0;
   int open = 0;
   std::vector<uintptr_t> opened; // base of each allocation that can be touched now
   std::atomic_flag opening = ATOMIC_FLAG_INIT;
};

Arena &arena() {
   static Arena *one = [] {
      auto *made = new Arena;
      void *at = mmap(nullptr, arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (at == MAP_FAILED) abort(); // a test tool without its address range has nothing to say
      made->start = uintptr_t(at);
      made->next = made->start + page;
      return made;
   }();
   return *one;
}

size_t round_up(size_t n, size_t to) {
   return (n + to - 1) / to * to;
}
void *pointer(uintptr_t p) {
   return reinterpret_cast<void *>(p);
}

const Allocation *holder(const std::map<uintptr_t, Allocation> &all, uintptr_t p) {
   auto at = all.upper_bound(p);
   if (at == all.begin()) return nullptr;
   --at;
   return &at->second;
}

const Allocation *range_in(const std::map<uintptr_t, Allocation> &all, const void *p, size_t bytes) {
   uintptr_t from = uintptr_t(p);
   const Allocation *a = holder(all, from);
   if (!a || from > a->base + a->bytes || bytes > a->base + a->bytes - from) return nullptr;
   return a;
}

void protect(const Allocation &a, int how) {
   if (mprotect(pointer(a.pages), a.mapped, how) != 0) {
      perror("softgpu: mprotect");
      abort();
   }
}

// Room for `bytes` that ends at an inaccessible page.
bool find_room(Allocation &a, size_t bytes) {
   Arena &all = arena();
   size_t room = round_up(bytes, granule);
   a.mapped = round_up(room, page);
   if (all.next + a.mapped + page > all.start + arena_bytes) return false;
   a.pages = all.next;
   a.base = a.pages + a.mapped - room;
   a.bytes = bytes;
   a.serial = ++all.serial;
   all.next += a.mapped + page;
   return true;
}

// When it is touched first. The rest of its first page, and what rounding up to the granule leaves at its end,
// hold canaries.
void map_new(const Allocation &a) {
   protect(a, PROT_READ | PROT_WRITE);
   if (a.mapped >= size_t(4) << 20) madvise(pointer(a.pages), a.mapped, MADV_HUGEPAGE);
   memset(pointer(a.pages), canary, a.base - a.pages);
   if (computes()) memset(pointer(a.base), poison, a.bytes);
   memset(pointer(a.base + a.bytes), canary, a.pages + a.mapped - a.base - a.bytes);
   a.fresh = false;
}

void unmap(const Allocation &a) {
   madvise(pointer(a.pages), a.mapped, MADV_DONTNEED);
   protect(a, PROT_NONE);
}

bool is_canary(uintptr_t from, uintptr_t to, uintptr_t *bad) {
   static const std::vector<unsigned char> clean(page, canary);
   if (memcmp(pointer(from), clean.data(), to - from) == 0) return true;
   for (; from < to; from++) {
      if (*reinterpret_cast<unsigned char *>(from) != canary) {
         *bad = from;
         return false;
      }
   }
   return true;
}

void heal(uintptr_t from, uintptr_t to) {
   memset(pointer(from), canary, to - from);
}

// Device memory must be open.
void check_one(const Allocation &a, bool front, const char *after) {
   uintptr_t bad;
   uintptr_t end = a.base + a.bytes, last = a.pages + a.mapped;
   if (!is_canary(end, last, &bad)) {
      violation("%s wrote %zu bytes past the end of device memory #%zu of %zu bytes", after, size_t(bad - end),
                a.serial, a.bytes);
      heal(end, last);
   }
   if (front && !is_canary(a.pages, a.base, &bad)) {
      violation("%s wrote %zu bytes before the start of device memory #%zu of %zu bytes", after,
                size_t(a.base - bad), a.serial, a.bytes);
      heal(a.pages, a.base);
   }
}

size_t capacity() {
   static size_t bytes = strtoull(environment("SOFTGPU_MEMORY", "8589934592"), nullptr, 10);
   return bytes;
}

} // namespace

const Allocation *device_range(const void *p, size_t bytes) {
   return range_in(arena().device, p, bytes);
}

bool in_arena(const void *p) {
   uintptr_t at = uintptr_t(p);
   return at >= arena().start && at < arena().start + arena_bytes && !range_in(arena().pinned, p, 0);
}

bool pinned_range(const void *p, size_t bytes) {
   return range_in(arena().pinned, p, bytes) != nullptr;
}

bool pinned_start(const void *p) {
   return arena().pinned.count(uintptr_t(p)) != 0;
}

std::string describe(const void *p) {
   char text[160];
   if (!p) return "a null pointer";
   if (const Allocation *a = holder(arena().pinned, uintptr_t(p)); a && uintptr_t(p) <= a->base + a->bytes)
      return "pinned host memory";
   if (!in_arena(p)) return "host memory";
   const Allocation *a = holder(arena().device, uintptr_t(p));
   if (!a) return "device memory that was freed or never allocated";
   size_t into = uintptr_t(p) - a->base;
   if (into < a->bytes)
      snprintf(text, sizeof text, "%zu bytes into device memory #%zu of %zu bytes", into, a->serial, a->bytes);
   else if (into < a->bytes + 4 * page)
      snprintf(text, sizeof text,
               "%zu bytes past the end of device memory #%zu of %zu bytes, or memory that was freed",
               into - a->bytes, a->serial, a->bytes);
   else
      return "device memory that was freed or never allocated";
   return text;
}

bool usable(const char *function, const char *argument, const void *p, size_t bytes, size_t align) {
   if (uintptr_t(p) % align != 0) {
      violation("%s: %s (%s) is not aligned to %zu bytes", function, argument, describe(p).c_str(), align);
      return false;
   }
   const Allocation *a = device_range(p, bytes);
   if (a && a->device == current_device()) return true;
   if (pinned_range(p, bytes)) return true;
   violation("%s: %s needs %zu bytes and is %s", function, argument, bytes,
             a ? "another device's memory" : describe(p).c_str());
   return false;
}

bool overlapping(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
   return uintptr_t(a) < uintptr_t(b) + b_bytes && uintptr_t(b) < uintptr_t(a) + a_bytes;
}

cudaError_t memory_allocate(void **out, size_t bytes, int device) {
   Allocation a;
   a.device = device;
   size_t takes = round_up(bytes, 512);
   if (takes < bytes || arena().used[device] + takes > capacity()) return cudaErrorMemoryAllocation;
   if (!find_room(a, bytes)) return cudaErrorMemoryAllocation;
   arena().used[device] += takes;
   arena().device[a.base] = a;
   *out = pointer(a.base);
   return cudaSuccess;
}

cudaError_t memory_release(void *p) {
   auto at = arena().device.find(uintptr_t(p));
   if (at == arena().device.end()) return cudaErrorInvalidValue;
   if (!at->second.fresh) {
      DeviceOpen open;
      memory_touch(p);
      check_one(at->second, true, "something");
   }
   arena().used[at->second.device] -= round_up(at->second.bytes, 512);
   if (!at->second.fresh) unmap(at->second);
   arena().device.erase(at);
   return cudaSuccess;
}

cudaError_t memory_release_early(void *p, std::function<bool()> passed) {
   Arena &all = arena();
   auto at = all.device.find(uintptr_t(p));
   if (at == all.device.end()) return cudaErrorInvalidValue;
   all.used[at->second.device] -= round_up(at->second.bytes, 512);
   all.freed[at->first] = at->second;
   all.passed[at->first] = std::move(passed);
   all.device.erase(at);
   return cudaSuccess;
}

cudaError_t pinned_allocate(void **out, size_t bytes) {
   Allocation a;
   a.device = -1;
   if (bytes > capacity() || !find_room(a, bytes)) return cudaErrorMemoryAllocation;
   map_new(a);
   arena().pinned[a.base] = a;
   *out = pointer(a.base);
   return cudaSuccess;
}

cudaError_t pinned_release(void *p) {
   auto at = arena().pinned.find(uintptr_t(p));
   if (at == arena().pinned.end()) return cudaErrorInvalidValue;
   check_one(at->second, true, "something (pinned host memory)");
   unmap(at->second);
   arena().pinned.erase(at);
   return cudaSuccess;
}

void memory_info(int device, size_t *free, size_t *total) {
   *total = capacity();
   *free = capacity() - arena().used[device];
}

size_t memory_live(bool pinned) {
   return pinned ? arena().pinned.size() : arena().device.size();
}

// What was not touched since device work began is inaccessible, so that nobody can have written there.
void check_canaries(const char *after) {
   for (uintptr_t base : arena().opened) {
      auto at = arena().device.find(base);
      if (at != arena().device.end()) check_one(at->second, false, after);
   }
}

namespace {

const Allocation *touchable(const void *p) {
   for (auto *map : {&arena().device, &arena().freed}) {
      const Allocation *a = holder(*map, uintptr_t(p));
      if (!a || uintptr_t(p) < a->pages || uintptr_t(p) >= a->pages + a->mapped) continue;
      a->used_after = map == &arena().freed;
      return a;
   }
   return nullptr;
}

void forget_freed() {
   Arena &all = arena();
   for (auto at = all.freed.begin(); at != all.freed.end();) {
      const Allocation &a = at->second;
      if (a.used_after)
         violation(
             "work that was queued uses device memory #%zu of %zu bytes, which cudaFree has freed: it need not "
             "wait, so the program has to",
             a.serial, a.bytes);
      a.used_after = a.accessible = false;
      protect(a, PROT_NONE);
      if (!all.passed[at->first]()) {
         ++at;
         continue;
      }
      if (!a.fresh) {
         protect(a, PROT_READ | PROT_WRITE);
         check_one(a, true, "something");
         unmap(a);
      }
      all.passed.erase(at->first);
      at = all.freed.erase(at);
   }
}

} // namespace

// Allocations are made accessible one by one, when they are touched: a program holds many and uses few at a
// time.
bool memory_touch(const void *p) {
   Arena &all = arena();
   const Allocation *a = all.open ? touchable(p) : nullptr;
   if (!a) return false;
   while (all.opening.test_and_set()) {
   } // library code runs on several threads
   if (!a->accessible) {
      a->accessible = true;
      all.opened.push_back(a->base);
      if (a->fresh)
         map_new(*a);
      else
         protect(*a, PROT_READ | PROT_WRITE);
   }
   all.opening.clear();
   return true;
}

DeviceOpen::DeviceOpen() {
   arena().opened.reserve(arena().device.size() + 64); // the fault handler must not allocate
   arena().open++;
}

DeviceOpen::~DeviceOpen() {
   Arena &all = arena();
   if (--all.open > 0) return;
   for (uintptr_t base : all.opened) {
      auto at = all.device.find(base);
      if (at == all.device.end()) continue;
      at->second.accessible = false;
      protect(at->second, PROT_NONE);
   }
   all.opened.clear();
   forget_freed();
}

} // namespace sg
