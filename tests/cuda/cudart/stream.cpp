// Streams: queues of work that nobody has waited for yet. Order between two streams exists only where an event,
// or the legacy default stream, says so; everything else runs in the order least convenient for a program that
// relies on luck.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <vector>
#include <unistd.h>
#include "../softgpu.h"
#include "stream.h"

namespace sg {

namespace {

enum class Order { lazy, eager, random };

struct Scheduler {
   std::map<int, std::shared_ptr<Stream>> defaults; // the legacy stream of each device
   std::vector<std::weak_ptr<Stream>> streams;
   std::vector<std::shared_ptr<Stream>> destroyed; // those that still had work
   std::vector<std::function<void()>> beside;      // what goes on while the host waits
   Order order = Order::lazy;
   uint64_t random = 1;
};

void set_order(Scheduler &all, const char *text) {
   all.order = strncmp(text, "eager", 5) == 0    ? Order::eager
               : strncmp(text, "random", 6) == 0 ? Order::random
                                                 : Order::lazy;
   const char *colon = strchr(text, ':');
   all.random = colon ? strtoull(colon + 1, nullptr, 10) * 2 + 1 : 1;
}

Scheduler &scheduler() {
   static auto *one = [] {
      auto *made = new Scheduler;
      set_order(*made, environment("SOFTGPU_ORDER", "lazy"));
      return made;
   }();
   return *one;
}

bool chance() {
   uint64_t &x = scheduler().random;
   x ^= x << 13, x ^= x >> 7, x ^= x << 17;
   return x >> 62 & 1;
}

bool run_to(Stream &, uint64_t seq);

// May the first piece of work run now, without anything else being run before it?
bool ready(const Stream &s) {
   if (s.queue.empty()) return false;
   const Piece &first = s.queue.front();
   if (first.after && first.after->done < first.after_seq) return false;
   return !first.ready || first.ready();
}

void execute_first(Stream &s) {
   Piece first = std::move(s.queue.front());
   s.queue.pop_front();
   cudaError_t error = first.work ? first.work() : cudaSuccess;
   s.done++;
   if (error != cudaSuccess && sticky() == cudaSuccess) set_sticky(error);
}

// Runs what others may legally run before the next piece of `s`.
void run_others(const Stream &s) {
   Scheduler &all = scheduler();
   if (all.order == Order::lazy) return;
   for (size_t i = 0; i < all.streams.size(); i++) {
      auto other = all.streams[i].lock();
      while (other && other.get() != &s && ready(*other) && (all.order == Order::eager || chance()))
         execute_first(*other);
   }
}

// Whether it came there: others than this process may have a part in the work.
bool run_to(Stream &s, uint64_t seq) {
   while (s.done < seq && !s.queue.empty()) {
      if (!ready(s)) {
         auto after = s.queue.front().after;
         uint64_t after_seq = s.queue.front().after_seq;
         if (!after || after->done >= after_seq || !run_to(*after, after_seq)) return false;
         continue;
      }
      run_others(s);
      if (!s.queue.empty() && s.done < seq && ready(s)) execute_first(s);
   }
   return true;
}

std::shared_ptr<Stream> new_stream(int device, bool blocking, bool legacy) {
   auto s = std::make_shared<Stream>();
   s->device = device;
   s->blocking = blocking;
   s->legacy = legacy;
   scheduler().streams.push_back(s);
   return s;
}

std::shared_ptr<Stream> legacy_stream(int device) {
   auto &s = scheduler().defaults[device];
   if (!s) s = new_stream(device, true, true);
   return s;
}

void push_dependency(Stream &s, const std::shared_ptr<Stream> &after, uint64_t seq) {
   if (after.get() == &s || after->done >= seq) return;
   s.queue.push_back({nullptr, after, seq, nullptr});
   s.queued++;
}

template <class F> void each_stream(int device, F &&f) {
   auto &all = scheduler().streams;
   for (size_t i = 0; i < all.size();) {
      auto s = all[i].lock();
      if (!s) {
         all.erase(all.begin() + long(i));
         continue;
      }
      if (device < 0 || s->device == device) f(s);
      i++;
   }
}

// A capture on a blocking stream would have to wait for the legacy one, which nothing can capture.
cudaError_t legacy_allowed(const Stream &s) {
   cudaError_t error = cudaSuccess;
   if (!s.legacy) return error;
   each_stream(s.device, [&](const std::shared_ptr<Stream> &other) {
      if (other->blocking && other->capture)
         error = capture_fails(*other->capture, cudaErrorStreamCaptureImplicit);
   });
   return error;
}

// The legacy default stream waits for all blocking streams, and they wait for it.
void join_legacy(const std::shared_ptr<Stream> &s) {
   if (!s->blocking) return;
   if (!s->legacy) {
      auto legacy = legacy_stream(s->device);
      push_dependency(*s, legacy, legacy->queued);
      return;
   }
   each_stream(s->device, [&](const std::shared_ptr<Stream> &other) {
      if (other->blocking) push_dependency(*s, other, other->queued);
   });
}

bool is_copy(const char *what) {
   return strncmp(what, "cuda", 4) == 0 || strncmp(what, "nccl", 4) == 0;
}

double seconds_now() {
   timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return double(t.tv_sec) + double(t.tv_nsec) * 1e-9;
}

// Sleeps until `done` says so. What never comes would hang the program on a real device too; here it is told.
template <class F> void wait_until(F &&done) {
   static const double patience = atof(environment("SOFTGPU_PATIENCE", "60"));
   double since = seconds_now();
   while (!done()) {
      for (auto &each : scheduler().beside) each();
      if (seconds_now() - since > patience) {
         violation("the host has waited for %g seconds for work that other processes have no part in yet",
                   patience);
         return set_sticky(cudaErrorLaunchTimeout);
      }
      usleep(200);
   }
}

void drop_finished() {
   auto &all = scheduler().destroyed;
   std::erase_if(all, [](auto &s) { return s->queue.empty(); });
}

} // namespace

std::shared_ptr<Stream> stream_create(int device, bool blocking) {
   return new_stream(device, blocking, false);
}

std::shared_ptr<Stream> stream_find(cudaStream_t handle) {
   if (handle == nullptr || handle == cudaStreamLegacy) return legacy_stream(current_device());
   return find<Stream>("stream", handle);
}

bool stream_live(cudaStream_t handle) {
   return stream_find(handle) != nullptr;
}

bool stream_captures(cudaStream_t handle) {
   auto s = stream_find(handle);
   return s && s->capture;
}

void stream_retire(std::shared_ptr<Stream> s) {
   if (!s->queue.empty()) scheduler().destroyed.push_back(std::move(s));
}

cudaError_t enqueue(cudaStream_t handle, const char *what, Work work) {
   if (!computes() && !is_copy(what)) work = [] { return cudaSuccess; };
   auto s = stream_find(handle);
   if (!s) {
      violation("%s on a stream that is not live (%s)", what, object_state(handle));
      return cudaErrorInvalidResourceHandle;
   }
   if (s->capture) return capture_work(*s->capture, std::move(work));
   if (cudaError_t error = legacy_allowed(*s)) return error;
   join_legacy(s);
   s->queue.push_back({std::move(work), nullptr, 0, nullptr});
   s->queued++;
   return cudaSuccess;
}

cudaError_t enqueue_when(cudaStream_t handle, const char *what, std::function<bool()> ready, Work work) {
   cudaError_t error = enqueue(handle, what, std::move(work));
   if (error == cudaSuccess) stream_find(handle)->queue.back().ready = std::move(ready);
   return error;
}

int stream_device(cudaStream_t handle) {
   auto s = stream_find(handle);
   return s ? s->device : -1;
}

void while_waiting(std::function<void()> what) {
   scheduler().beside.push_back(std::move(what));
}

Mark stream_mark(const std::shared_ptr<Stream> &s) {
   join_legacy(s);
   return {s, s->queued};
}

void stream_wait(const std::shared_ptr<Stream> &s, const Mark &mark) {
   join_legacy(s);
   if (mark.stream) push_dependency(*s, mark.stream, mark.seq);
}

bool mark_done(const Mark &mark) {
   return !mark.stream || mark.stream->done >= mark.seq;
}

bool try_mark(const Mark &mark) {
   if (mark_done(mark)) return true;
   DeviceOpen open;
   run_to(*mark.stream, mark.seq);
   drop_finished();
   return mark_done(mark);
}

void run_mark(const Mark &mark) {
   wait_until([&] { return try_mark(mark); });
}

void run_stream(cudaStream_t handle) {
   auto s = stream_find(handle);
   if (!s) return;
   join_legacy(s);
   run_mark({s, s->queued});
}

std::function<bool()> try_up_to_here(cudaStream_t handle) {
   auto s = stream_find(handle);
   if (!s) return [] { return true; };
   return [mark = Mark{s, s->queued}] { return try_mark(mark); };
}

void run_everything(int device) {
   each_stream(device, [](const std::shared_ptr<Stream> &s) { run_mark({s, s->queued}); });
}

void drop_everything() {
   each_stream(-1, [](const std::shared_ptr<Stream> &s) {
      s->queue.clear();
      s->done = s->queued;
   });
   scheduler().destroyed.clear();
}

std::function<bool()> passed_by(int device) {
   std::vector<Mark> marks;
   each_stream(device, [&](const std::shared_ptr<Stream> &s) { marks.push_back({s, s->queued}); });
   return [marks] { return std::all_of(marks.begin(), marks.end(), mark_done); };
}

size_t pending(int device) {
   size_t n = 0;
   each_stream(device, [&](const std::shared_ptr<Stream> &s) { n += s->queue.size(); });
   return n;
}

} // namespace sg

extern "C" void softgpu_order(const char *streams) {
   std::lock_guard guard(sg::big_lock());
   sg::set_order(sg::scheduler(), streams);
}
