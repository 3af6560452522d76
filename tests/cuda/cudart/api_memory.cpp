// Allocation, copies and filling. What a copy does at once and what late follows "API synchronization behavior"
// in the runtime's documentation.
#include <cstring>
#include <memory>
#include <vector>
#include "capture.h"
#include "runtime.h"
#include "stream.h"

namespace sg {

namespace {

enum class Place { device, pinned, pageable };

Place place_of(const void *p) {
   if (in_arena(p)) return Place::device;
   return pinned_range(p, 0) ? Place::pinned : Place::pageable;
}

bool fits(Place place, const void *p, size_t bytes) {
   if (place == Place::device) return device_range(p, bytes) != nullptr;
   return place == Place::pageable || pinned_range(p, bytes);
}

bool direction_fits(enum cudaMemcpyKind kind, Place to, Place from) {
   bool d_to = to == Place::device, d_from = from == Place::device;
   switch (kind) {
   case cudaMemcpyHostToHost: return !d_to && !d_from;
   case cudaMemcpyHostToDevice: return d_to && !d_from;
   case cudaMemcpyDeviceToHost: return !d_to && d_from;
   case cudaMemcpyDeviceToDevice: return d_to && d_from;
   default: return true;
   }
}

bool still_there(Place place, const void *p, size_t bytes, const char *name) {
   if (fits(place, p, bytes)) return true;
   violation("%s: %s was freed before the copy ran", name,
             place == Place::device ? "device memory" : "pinned host memory");
   return false;
}

struct Copy {
   char *to;
   const char *from;
   size_t bytes;
   Place to_place, from_place;
   const char *name;
};

cudaError_t run_copy(const Copy &c) {
   bool whole =
       still_there(c.to_place, c.to, c.bytes, c.name) & still_there(c.from_place, c.from, c.bytes, c.name);
   if (!whole) return cudaErrorIllegalAddress;
   memory_touch(c.to);
   memory_touch(c.from);
   memcpy(c.to, c.from, c.bytes);
   return cudaSuccess;
}

bool overlap(const char *a, const char *b, size_t n) {
   return a < b + n && b < a + n;
}

// Queues the copy; `wait` says whether the function may return only when it has run.
cudaError_t start_copy(const Copy &c, cudaStream_t stream, bool sync, bool *wait) {
   *wait = sync;
   if (c.from_place == Place::pageable && c.to_place == Place::device) {
      auto staged = std::make_shared<std::vector<char>>(c.from, c.from + c.bytes);
      *wait = false; // it has been read; when it arrives is another matter
      return enqueue(stream, c.name, [c, staged] {
         Copy from_staging = c;
         from_staging.from = staged->data();
         return run_copy(from_staging);
      });
   }
   if (c.to_place == Place::device && c.from_place == Place::device) *wait = false;
   if (c.to_place == Place::pageable || (c.to_place != Place::device && c.from_place != Place::device))
      *wait = true;
   return enqueue(stream, c.name, [c] { return run_copy(c); });
}

cudaError_t copy(RuntimeCall &call, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                 cudaStream_t stream, bool sync) {
   if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) return cudaErrorInvalidMemcpyDirection;
   if (!stream_find(stream)) return cudaErrorInvalidResourceHandle;
   if (bytes == 0) return cudaSuccess;
   if (!to || !from) return cudaErrorInvalidValue;
   Copy c = {static_cast<char *>(to),
             static_cast<const char *>(from),
             bytes,
             place_of(to),
             place_of(from),
             call.name()};
   if (!direction_fits(kind, c.to_place, c.from_place)) return cudaErrorInvalidValue;
   if (!fits(c.to_place, to, bytes) || !fits(c.from_place, from, bytes)) return cudaErrorInvalidValue;
   if (overlap(c.to, c.from, bytes)) violation("%s: source and destination overlap", call.name());
   if (sync && c.from_place == Place::pageable && c.to_place == Place::device) {
      call.waits();
      run_stream(stream);
   }
   bool wait;
   cudaError_t error = start_copy(c, stream, sync, &wait);
   if (error != cudaSuccess || !wait) return error;
   call.waits();
   run_stream(stream);
   return cudaSuccess;
}

cudaError_t fill(RuntimeCall &call, void *to, int value, size_t bytes, cudaStream_t stream) {
   if (!stream_find(stream)) return cudaErrorInvalidResourceHandle;
   if (bytes == 0) return cudaSuccess;
   Place place = place_of(to);
   if (place == Place::pageable || !fits(place, to, bytes)) return cudaErrorInvalidValue;
   const char *name = call.name();
   return enqueue(stream, name, [=] {
      if (!still_there(place, to, bytes, name)) return cudaErrorIllegalAddress;
      memory_touch(to);
      memset(to, value, bytes);
      return cudaSuccess;
   });
}

cudaError_t allocate(void **out, size_t bytes) {
   if (!out) return cudaErrorInvalidValue;
   if (device_count() == 0) return cudaErrorNoDevice;
   *out = nullptr;
   return bytes ? memory_allocate(out, bytes, current_device()) : cudaSuccess;
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

cudaError_t cudaMalloc(void **out, size_t bytes) {
   CUDA_CALL("cudaMalloc");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   return call.done(allocate(out, bytes));
}

cudaError_t cudaMallocAsync(void **out, size_t bytes, cudaStream_t stream) {
   CUDA_CALL("cudaMallocAsync");
   if (!stream_find(stream)) return call.done(cudaErrorInvalidResourceHandle);
   return call.done(allocate(out, bytes));
}

// Does not wait, as nothing promises that it does. Frees also where the status is an error from before:
// otherwise every injected failure would be a leak.
cudaError_t cudaFree(void *p) {
   RuntimeCall call("cudaFree");
   if (!p) return call.done();
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   const Allocation *a = device_range(p, 0);
   if (!a || a->base != uintptr_t(p)) {
      violation("cudaFree of %s", describe(p).c_str());
      return call.done(cudaErrorInvalidValue);
   }
   if (pending(a->device) == 0) return call.done(memory_release(p));
   return call.done(memory_release_early(p, passed_by(a->device)));
}

cudaError_t cudaFreeAsync(void *p, cudaStream_t stream) {
   RuntimeCall call("cudaFreeAsync");
   if (!p) return call.done();
   const Allocation *a = device_range(p, 0);
   if (!a || a->base != uintptr_t(p)) {
      violation("cudaFreeAsync of %s", describe(p).c_str());
      return call.done(cudaErrorInvalidValue);
   }
   if (sticky() != cudaSuccess) return call.done(memory_release(p));
   return call.done(enqueue(stream, "cudaFreeAsync", [p] { return memory_release(p); }));
}

cudaError_t cudaMallocHost(void **out, size_t bytes) {
   CUDA_CALL("cudaMallocHost");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   if (!out) return call.done(cudaErrorInvalidValue);
   *out = nullptr;
   return call.done(bytes ? pinned_allocate(out, bytes) : cudaSuccess);
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags) {
   CUDA_CALL("cudaHostAlloc");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   const unsigned known = cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
   if (!out || (flags & ~known)) return call.done(cudaErrorInvalidValue);
   *out = nullptr;
   return call.done(bytes ? pinned_allocate(out, bytes) : cudaSuccess);
}

cudaError_t cudaFreeHost(void *p) {
   RuntimeCall call("cudaFreeHost");
   if (!p) return call.done();
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   if (!pinned_start(p)) {
      violation("cudaFreeHost of %s", describe(p).c_str());
      return call.done(cudaErrorInvalidValue);
   }
   return call.done(pinned_release(p));
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
   CUDA_CALL("cudaMemcpy");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   return call.done(copy(call, to, from, bytes, kind, nullptr, true));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream) {
   CUDA_CALL("cudaMemcpyAsync");
   return call.done(copy(call, to, from, bytes, kind, stream, false));
}

cudaError_t cudaMemset(void *to, int value, size_t bytes) {
   CUDA_CALL("cudaMemset");
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   return call.done(fill(call, to, value, bytes, nullptr));
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
   CUDA_CALL("cudaMemsetAsync");
   return call.done(fill(call, to, value, bytes, stream));
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
   CUDA_CALL("cudaMemGetInfo");
   if (!free || !total) return call.done(cudaErrorInvalidValue);
   memory_info(current_device(), free, total);
   return call.done();
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *out, const void *p) {
   CUDA_CALL("cudaPointerGetAttributes");
   if (!out) return call.done(cudaErrorInvalidValue);
   memset(out, 0, sizeof *out);
   const Allocation *a = device_range(p, 1);
   out->type = a ? cudaMemoryTypeDevice : pinned_range(p, 1) ? cudaMemoryTypeHost : cudaMemoryTypeUnregistered;
   out->device = a ? a->device : out->type == cudaMemoryTypeHost ? current_device() : -2;
   if (out->type != cudaMemoryTypeUnregistered) out->devicePointer = const_cast<void *>(p);
   if (out->type != cudaMemoryTypeDevice)
      out->hostPointer = out->type == cudaMemoryTypeHost ? const_cast<void *>(p) : nullptr;
   return call.done();
}
}
