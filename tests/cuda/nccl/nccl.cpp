// NCCL: sums and broadcasts between processes, each with a device of its own. What a rank gives is read as soon
// as its stream comes there, as a device would do it that nobody waits for; the result is written as late as
// its stream lets it, and until then the memory holds NaN.
#include <nccl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <thread>
#include <unistd.h>
#include "../core.h"
#include "ranks.h"

namespace sg {

namespace {

thread_local std::string last_error;

struct Post {                  // what a rank gives to a call
   std::function<bool()> push; // its stream, up to there
   bool done = false;
};

struct Comm {
   Ranks ranks;
   int rank, size, device;
   bool blocks, joined = false, started = false, leaving = false, gone = false;
   ncclResult_t failure = ncclSuccess;
   uint64_t next = 0, ended = 0;            // calls
   std::deque<std::shared_ptr<Post>> posts; // not done yet
   std::function<ncclResult_t()> begun;     // a call that is still being set up
   std::vector<cudaStream_t> streams;

   Comm(const std::string &folder, int rank_, int size_, int device_, bool blocks_)
       : ranks(folder, rank_, size_, device_), rank(rank_), size(size_), device(device_), blocks(blocks_) {}
};

std::vector<std::weak_ptr<Comm>> &all_comms() {
   static auto *all = new std::vector<std::weak_ptr<Comm>>;
   return *all;
}

struct NcclCall : Call {
   explicit NcclCall(const char *name, bool asks_device = true) : Call(name, Library::nccl, asks_device) {}
   ncclResult_t done(ncclResult_t own = ncclSuccess) const { return refused() ? ncclResult_t(refused()) : own; }
};

ncclResult_t fails(Comm &c, ncclResult_t result, const std::string &why) {
   if (c.failure == ncclSuccess) c.failure = result;
   last_error = why;
   return result;
}

// ---- what goes on by itself ----

void push_posts(Comm &c) {
   while (!c.posts.empty() && (c.posts.front()->done || c.posts.front()->push())) c.posts.pop_front();
}

void push_all() {
   for (auto &each : all_comms())
      if (auto c = each.lock(); c && !c->gone) push_posts(*c);
}

// A device reads what it is to send whatever the host does meanwhile: waiting for another process, say.
void start_helper() {
   static const bool started = [] {
      while_waiting(push_all);
      std::thread([] {
         for (;;) {
            usleep(2000);
            std::unique_lock lock(big_lock(), std::try_to_lock);
            if (lock && idle_seconds() > 0.02 && sticky() == cudaSuccess) push_all();
         }
      }).detach();
      return true;
   }();
   (void)started;
}

// ---- calls of all ranks ----

size_t size_of(int type) {
   return type == ncclUint8 ? 1 : type == ncclFloat32 ? 4 : 8;
}

// The calls of that number must be alike. False: they are not.
bool compare(Comm &c, uint64_t number, const Order &own) {
   for (int rank = 0; rank < c.size; rank++) {
      Order other = c.ranks.order(rank, number);
      if (other == own) continue;
      char text[400];
      snprintf(text, sizeof text, "call %llu of a communicator: rank %d calls %s, rank %d calls %s",
               (unsigned long long)number + 1, c.rank, own.text().c_str(), rank, other.text().c_str());
      violation("%s", text);
      fails(c, ncclInternalError, text);
      return false;
   }
   return true;
}

template <class T> void add(const Comm &c, uint64_t number, T *sum, size_t n) {
   std::vector<T> part(n);
   c.ranks.read(0, number, sum, n * sizeof(T));
   for (int rank = 1; rank < c.size; rank++) {
      c.ranks.read(rank, number, part.data(), n * sizeof(T));
      for (size_t i = 0; i < n; i++) sum[i] += part[i];
   }
}

void compute(const Comm &c, uint64_t number, const Order &order, void *out) {
   if (order.broadcast)
      c.ranks.read(order.root, number, out, order.count * size_of(order.type));
   else if (order.type == ncclFloat32)
      add(c, number, static_cast<float *>(out), order.count);
   else if (order.type == ncclFloat64)
      add(c, number, static_cast<double *>(out), order.count);
   else
      add(c, number, static_cast<int64_t *>(out), order.count);
}

bool all_posted(const Comm &c, uint64_t number) {
   for (int rank = 0; rank < c.size; rank++)
      if (!c.ranks.posted(rank, number)) return false;
   return true;
}

struct Task {
   std::shared_ptr<Comm> c;
   Order order;
   const void *from;
   void *to;
   cudaStream_t stream;
};

// In two pieces of the stream's work: what this rank gives, and what all make of it.
ncclResult_t put(const Task &t) {
   auto c = t.c;
   uint64_t number = c->next++;
   size_t bytes = t.order.count * size_of(t.order.type);
   auto post = std::make_shared<Post>();
   cudaError_t error = enqueue(t.stream, "nccl", [=] {
      post->done = true;
      if (c->gone) return cudaSuccess;
      if (!c->ranks.has_room(number))
         violation("a rank of NCCL is too far ahead of the others for this software GPU");
      memory_touch(t.from), memory_touch(t.to); // the system's calls do not fault
      c->ranks.post(number, t.order, t.from, bytes);
      memset(t.to, 0xff, bytes);
      return cudaSuccess;
   });
   if (error != cudaSuccess) return fails(*c, ncclUnhandledCudaError, "the stream takes no work");
   post->push = try_up_to_here(t.stream);
   c->posts.push_back(post);
   push_posts(*c);
   enqueue_when(
       t.stream, "nccl", [=] { return c->gone || (c->failure == ncclSuccess && all_posted(*c, number)); },
       [=] {
          if (c->gone || !compare(*c, number, t.order)) return cudaSuccess;
          memory_touch(t.to);
          compute(*c, number, t.order, t.to);
          c->ranks.done(number);
          c->ended = number + 1;
          return cudaSuccess;
       });
   if (std::find(c->streams.begin(), c->streams.end(), t.stream) == c->streams.end())
      c->streams.push_back(t.stream);
   return ncclSuccess;
}

// ---- how it stands ----

// Whether a rank that others need for their calls is gone.
void look_for_the_dead(Comm &c) {
   for (int rank = 0; rank < c.size && c.failure == ncclSuccess; rank++) {
      bool needed = !c.joined || c.leaving || (c.ended < c.next && !c.ranks.posted(rank, c.ended));
      if (!needed) continue;
      if (c.ranks.is_dead(rank))
         fails(c, ncclRemoteError,
               "rank " + std::to_string(rank) + " has ended, or has aborted the communicator");
      else if (c.ended < c.next && c.ranks.has_left(rank) && !c.ranks.posted(rank, c.ended)) {
         violation("rank %d waits for a call of rank %d, which has left", c.rank, rank);
         fails(c, ncclRemoteError, "rank " + std::to_string(rank) + " has left");
      }
   }
}

void check_devices(Comm &c) {
   for (int rank = 0; rank < c.size; rank++)
      if (rank != c.rank && c.ranks.device(rank) == c.ranks.device(c.rank))
         fails(c, ncclInvalidUsage,
               "Duplicate GPU detected : rank " + std::to_string(c.rank) + " and rank " + std::to_string(rank) +
                   " both on CUDA device " + std::to_string(c.device));
}

ncclResult_t state_of(Comm &c) {
   if (c.failure == ncclSuccess) look_for_the_dead(c);
   if (c.failure != ncclSuccess) return c.failure;
   if (!c.joined) {
      c.joined = c.ranks.all_here();
      if (!c.joined) return ncclInProgress;
      check_devices(c);
   }
   if (c.begun) {
      auto begin = std::move(c.begun);
      c.begun = nullptr;
      begin();
   }
   if (c.leaving) {
      for (cudaStream_t stream : c.streams)
         if (stream_live(stream)) try_up_to_here(stream)();
      if (c.failure == ncclSuccess && (c.ended < c.next || !c.ranks.all_ask_to_leave())) return ncclInProgress;
   }
   return c.failure;
}

ncclResult_t wait_for(Comm &c) {
   ncclResult_t state;
   double patience = atof(environment("SOFTGPU_PATIENCE", "60")) * 1e4;
   while ((state = state_of(c)) == ncclInProgress && patience-- > 0) usleep(100);
   if (state == ncclInProgress) violation("a blocking call of NCCL waits for ranks that do not come");
   return state;
}

// ---- what a call may be ----

std::shared_ptr<Comm> comm_of(ncclComm_t handle, const char *function) {
   auto c = find<Comm>("nccl communicator", handle);
   if (!c) violation("%s: %s", function, object_state(handle));
   return c;
}

bool may(Comm &c, const char *function) {
   if (c.blocks || (c.joined && !c.begun)) return true;
   violation("%s while the communicator is in progress with something else: ask ncclCommGetAsyncError first",
             function);
   return false;
}

bool is_memory(const Comm &c, const char *function, const char *argument, const void *p, size_t bytes) {
   const Allocation *a = device_range(p, bytes);
   if (a && a->device == c.device) return true;
   violation("%s: %s needs %zu bytes of device %d's memory and is %s", function, argument, bytes, c.device,
             a ? "another device's" : describe(p).c_str());
   return false;
}

bool is_stream(const Comm &c, const char *function, cudaStream_t stream) {
   const char *fault = nullptr;
   if (stream == nullptr || stream == cudaStreamLegacy)
      fault = "the legacy default stream, behind which everything waits";
   else if (!stream_live(stream))
      fault = object_state(stream);
   else if (stream_device(stream) != c.device || current_device() != c.device)
      fault = "a stream of another device, or another device is the current one";
   else if (stream_captures(stream))
      fault = "a stream that records a graph, which this software GPU does not do";
   if (fault) violation("%s on %s", function, fault);
   return fault == nullptr;
}

ncclResult_t call_of_all(const char *function, ncclComm_t handle, const void *from, void *to, Order order,
                         cudaStream_t stream) {
   NcclCall call(function);
   if (call.refused()) return call.done();
   auto c = comm_of(handle, function);
   if (!c) return call.done(ncclInvalidArgument);
   if (!may(*c, function)) return call.done(ncclInvalidUsage);
   bool known = order.type == ncclFloat32 || order.type == ncclFloat64 || order.type == ncclInt64 ||
                (order.type == ncclUint8 && order.broadcast);
   if (!known || order.op != ncclSum || order.root < 0 || order.root >= c->size) {
      violation("%s: this software GPU does not do %s", function, order.text().c_str());
      return call.done(ncclInvalidArgument);
   }
   size_t bytes = order.count * size_of(order.type);
   bool right = is_stream(*c, function, stream) & is_memory(*c, function, "sendbuff", from, bytes) &
                is_memory(*c, function, "recvbuff", to, bytes);
   if (!right || (from != to && overlapping(from, bytes, to, bytes))) return call.done(ncclInvalidArgument);
   if (c->failure != ncclSuccess) return call.done(c->failure);
   Task task{c, order, from, to, stream};
   bool first = !c->started;
   c->started = true;
   if (c->blocks || !first) return call.done(put(task));
   c->begun = [task] { return put(task); };
   return call.done(ncclInProgress);
}

ncclResult_t open(ncclComm_t *out, int size, const ncclUniqueId &id, int rank, const ncclConfig_t *config) {
   if (!out) return ncclInvalidArgument;
   if (!config || config->magic != 0xcafebeef || config->size > 4096) {
      violation("ncclCommInitRankConfig: the configuration does not begin as NCCL_CONFIG_INITIALIZER");
      return ncclInvalidArgument;
   }
   auto c = std::make_shared<Comm>(std::string(id.internal, strnlen(id.internal, sizeof id.internal)), rank,
                                   size, current_device(), config->blocking != 0);
   if (!c->ranks.fault().empty()) {
      violation("ncclCommInitRankConfig: %s", c->ranks.fault().c_str());
      return ncclInvalidArgument;
   }
   start_helper();
   all_comms().push_back(c);
   *out = static_cast<ncclComm_t>(object_add("nccl communicator", c));
   return c->blocks ? wait_for(*c) : ncclInProgress;
}

void close(Comm &c, bool aborts) {
   c.gone = true;
   c.posts.clear();
   c.begun = nullptr;
   c.ranks.leave(aborts);
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

const char *ncclGetErrorString(ncclResult_t result) {
   switch (result) {
   case ncclSuccess: return "no error";
   case ncclUnhandledCudaError: return "unhandled cuda error (run with NCCL_DEBUG=INFO for details)";
   case ncclSystemError: return "unhandled system error (run with NCCL_DEBUG=INFO for details)";
   case ncclInternalError: return "internal error - please report this issue to the NCCL developers";
   case ncclInvalidArgument: return "invalid argument (run with NCCL_DEBUG=WARN for details)";
   case ncclInvalidUsage: return "invalid usage (run with NCCL_DEBUG=WARN for details)";
   case ncclRemoteError: return "remote process exited or there was a network error";
   case ncclInProgress: return "NCCL operation in progress";
   default: return "unknown result code";
   }
}

const char *ncclGetLastError(ncclComm_t) {
   return last_error.c_str();
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *id) {
   NcclCall call("ncclGetUniqueId", false);
   if (call.refused()) return call.done();
   if (!id) return call.done(ncclInvalidArgument);
   std::string folder = Ranks::found();
   if (folder.empty()) return call.done(ncclSystemError);
   memset(id, 0, sizeof *id);
   memcpy(id->internal, folder.c_str(), folder.size());
   return call.done();
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t *comm, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t *config) {
   NcclCall call("ncclCommInitRankConfig");
   if (call.refused()) return call.done();
   return call.done(open(comm, size, id, rank, config));
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *state) {
   NcclCall call("ncclCommGetAsyncError", false);
   if (call.refused()) return call.done();
   auto c = comm_of(comm, "ncclCommGetAsyncError");
   if (!c || !state) return call.done(ncclInvalidArgument);
   *state = sticky() != cudaSuccess ? ncclUnhandledCudaError : state_of(*c);
   return call.done();
}

ncclResult_t ncclAllReduce(const void *from, void *to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
   return call_of_all("ncclAllReduce", comm, from, to, {0, type, op, 0, count}, stream);
}

ncclResult_t ncclBroadcast(const void *from, void *to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
   return call_of_all("ncclBroadcast", comm, from, to, {1, type, ncclSum, root, count}, stream);
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
   NcclCall call("ncclCommFinalize");
   if (call.refused()) return call.done();
   auto c = comm_of(comm, "ncclCommFinalize");
   if (!c) return call.done(ncclInvalidArgument);
   if (c->leaving || !may(*c, "ncclCommFinalize")) return call.done(ncclInvalidUsage);
   c->leaving = true;
   c->ranks.ask_to_leave();
   return call.done(c->blocks ? wait_for(*c) : ncclInProgress);
}

// Does its work also where it fails.
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
   NcclCall call("ncclCommDestroy", false);
   auto c = comm_of(comm, "ncclCommDestroy");
   if (!c) return call.done(ncclInvalidArgument);
   if (!c->leaving) c->ranks.ask_to_leave();
   c->leaving = true;
   if (wait_for(*c) != ncclSuccess)
      violation("ncclCommDestroy of a communicator that has failed: it is to be aborted");
   object_remove("nccl communicator", comm);
   close(*c, false);
   return call.done();
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
   NcclCall call("ncclCommAbort", false);
   auto c = comm_of(comm, "ncclCommAbort");
   if (!c) return call.done(ncclInvalidArgument);
   object_remove("nccl communicator", comm);
   close(*c, true);
   return call.done();
}
}
