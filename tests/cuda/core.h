// What the software libraries share; all of it lives in libcudart.
#ifndef SOFTGPU_CORE_H
#define SOFTGPU_CORE_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <cuda_runtime_api.h>

namespace sg {

// ---- calls (call.cpp) ----

enum class Library { runtime, cublas, cudnn, nvrtc, nccl };

bool waiting_blocks(); // as cudaSetDeviceFlags has it for the current device
double idle_seconds(); // since the host's last call of any of these functions

// One call of a public function: holds the lock, counts, and knows whether it must fail.
class Call {
 public:
   Call(const char *name, Library, bool asks_device = true);
   int refused() const { return status_; } // 0, or the status that the function shall return at once
   bool injected() const { return injected_; }
   // Counts a synchronisation, and one in which a processor would be busy with asking.
   void waits(bool blocks = waiting_blocks());
   const char *name() const { return name_; }
   int injected_late() const { return late_; } // sticky status that a launch shall meet when it runs

 private:
   std::unique_lock<std::recursive_mutex> lock_;
   const char *name_;
   int status_ = 0, late_ = 0;
   bool injected_ = false;
   size_t entry_;
};

std::recursive_mutex &big_lock();
void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
cudaError_t sticky();         // the error that this process cannot get rid of, or cudaSuccess
void set_sticky(cudaError_t); // drops all queued work
void clear_sticky();
std::string function_name(const void *);   // of code, for messages
std::string demangled(const char *symbol); // without "(anonymous namespace)::"
const char *environment(const char *name, const char *otherwise);
bool computes(); // or does nothing but copy
int current_device();
int device_count();

// ---- objects with a handle (object.cpp): handles are never used again, so that a stale one is always noticed
// ----

void *object_add(const char *kind, std::shared_ptr<void> body);
std::shared_ptr<void> object_find(const char *kind, const void *handle); // null: no such object
bool object_remove(const char *kind, const void *handle);
size_t object_count(const char *kind);        // null: all
bool object_known(const void *handle);        // one that is or was
const char *object_state(const void *handle); // "live tensor descriptor", "destroyed event", "no handle"

template <class T> std::shared_ptr<T> find(const char *kind, const void *handle) {
   return std::static_pointer_cast<T>(object_find(kind, handle));
}

// ---- memory (memory.cpp) ----

struct Allocation {
   uintptr_t base, pages;
   size_t bytes, mapped;
   int device;
   size_t serial;
   mutable bool fresh = true;                           // has never been touched
   mutable bool accessible = false, used_after = false; // used_after: by work that was queued when it was freed
};

// The live allocation that holds [p, p + bytes), else null.
const Allocation *device_range(const void *p, size_t bytes);
bool in_arena(const void *p); // an address that could only be device memory
bool pinned_range(const void *p, size_t bytes);
bool pinned_start(const void *p);
std::string describe(const void *p); // "100 bytes into device memory of 4096 bytes", for messages
cudaError_t memory_allocate(void **out, size_t bytes, int device);
cudaError_t memory_release(void *p);
// Frees it while work is queued: what of that work still uses it is a violation. Its pages go when `passed`
// says so.
cudaError_t memory_release_early(void *p, std::function<bool()> passed);
cudaError_t pinned_allocate(void **out, size_t bytes);
cudaError_t pinned_release(void *p);
void memory_info(int device, size_t *free, size_t *total);
size_t memory_live(bool pinned); // allocations
// Is [p, p + bytes) live memory of the current device, and p a multiple of `align`? If not, a violation that
// names them.
bool usable(const char *function, const char *argument, const void *p, size_t bytes, size_t align);
bool overlapping(const void *a, size_t a_bytes, const void *b, size_t b_bytes);
void check_canaries(const char *after); // violations for what was written past the end

// While one lives, device memory can be touched: what is, becomes accessible by memory_touch, of itself after a
// fault.
bool memory_touch(const void *p); // false: not in live memory
struct DeviceOpen {
   DeviceOpen();
   ~DeviceOpen();
};

// ---- streams (stream.cpp) ----

struct Stream;
using Work = std::function<cudaError_t()>;

std::shared_ptr<Stream> stream_find(cudaStream_t); // null: no such stream
cudaError_t enqueue(cudaStream_t, const char *what, Work);
// Work that cannot be done before `ready` says so, which others than this process decide: whoever waits for it
// sleeps, and whoever asks hears that it is not done.
cudaError_t enqueue_when(cudaStream_t, const char *what, std::function<bool()> ready, Work);
bool stream_live(cudaStream_t);
int stream_device(cudaStream_t);
bool stream_captures(cudaStream_t); // records what comes
void run_stream(cudaStream_t);      // up to its end
// For later: runs the stream as far as it is queued now and goes without waiting; whether that was all.
std::function<bool()> try_up_to_here(cudaStream_t);
// Called while the host sleeps in a wait: what goes on by itself beside it.
void while_waiting(std::function<void()>);
void run_everything(int device);
// Whether all that was queued on the device, at the time of the call, has run.
std::function<bool()> passed_by(int device);
void drop_everything();
// For calls that may be unsafe (allocations, say): refused where a capture that concerns this thread is going
// on, which they end. For those that wait for everything: refused in any capture.
cudaError_t capture_allows_unsafe();
cudaError_t capture_allows_waiting();
size_t pending(int device = -1); // -1: on all of them

} // namespace sg

#endif
