// NCCL: right callers, and broken ones, each of which must be caught. Ranks are processes that a case forks.
#include "check.h"

#include <atomic>
#include <cmath>
#include <functional>
#include <nccl.h>
#include <sys/mman.h>

// ---- ranks ----

struct Meeting { // what ranks share
   ncclUniqueId id;
   std::atomic<int> known, seen;
};

struct Rank {
   int rank, size;
   cudaStream_t compute, beside;
   ncclComm_t comm = nullptr;
   Meeting *meeting = nullptr;
};

static ncclResult_t settle(ncclComm_t comm, ncclResult_t state) {
   while (state == ncclInProgress) {
      usleep(200);
      if (ncclCommGetAsyncError(comm, &state) != ncclSuccess) return ncclInternalError;
   }
   return state;
}

static ncclResult_t join(Rank &r, const ncclUniqueId &id, int device) {
   ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
   config.blocking = 0;
   OK(cudaSetDevice(device));
   OK(cudaStreamCreateWithFlags(&r.compute, cudaStreamNonBlocking));
   OK(cudaStreamCreateWithFlags(&r.beside, cudaStreamNonBlocking));
   return settle(r.comm, ncclCommInitRankConfig(&r.comm, r.size, id, r.rank, &config));
}

static void leave(Rank &r) {
   EXPECT_EQ(settle(r.comm, ncclCommFinalize(r.comm)), ncclSuccess);
   EXPECT_EQ(ncclCommDestroy(r.comm), ncclSuccess);
}

// Runs f in so many processes, the last of which is this one; its words go to its own standard error.
static void each(int size, const std::function<void(Rank &)> &f, bool share_device = false) {
   auto *meeting = static_cast<Meeting *>(
       mmap(nullptr, sizeof(Meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
   setenv("SOFTGPU_DEVICES", "2", 1);
   setenv("SOFTGPU_PATIENCE", "20", 1);
   int rank = 0;
   std::vector<pid_t> children;
   for (; rank < size - 1; rank++) {
      pid_t child = fork();
      if (child == 0) break;
      children.push_back(child);
   }
   bool is_child = rank < size - 1;
   if (rank == 0) {
      OK(ncclGetUniqueId(&meeting->id));
      meeting->known = 1;
   }
   while (!meeting->known) usleep(200);
   Rank r{rank, size, nullptr, nullptr};
   r.meeting = meeting;
   ncclResult_t joined = join(r, meeting->id, share_device ? 0 : rank);
   EXPECT_EQ(joined, share_device ? ncclInvalidUsage : ncclSuccess);
   f(r);
   fflush(stdout);
   if (is_child) _exit(wrong() ? 1 : 0);
   for (pid_t child : children) {
      int status;
      waitpid(child, &status, 0);
      if (WIFEXITED(status)) EXPECT_EQ(WEXITSTATUS(status), 0);
   }
}

// Until all ranks are here.
static void meet(Rank &r) {
   r.meeting->seen++;
   for (int i = 0; i < 100000 && r.meeting->seen < r.size; i++) usleep(200);
}

static float *floats(size_t n, float value) {
   return upload(std::vector<float>(n, value));
}

static ncclResult_t sum(Rank &r, float *data, size_t n, cudaStream_t stream) {
   return settle(r.comm, ncclAllReduce(data, data, n, ncclFloat32, ncclSum, r.comm, stream));
}

static float first(const float *data, cudaStream_t stream) {
   float value;
   OK(cudaMemcpyAsync(&value, data, sizeof value, cudaMemcpyDeviceToHost, stream));
   OK(cudaStreamSynchronize(stream));
   return value;
}

__global__ void twice(float *x) {
   *x *= 2;
}

static void wait_for(cudaStream_t later, cudaStream_t before) {
   cudaEvent_t event;
   OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
   OK(cudaEventRecord(event, before));
   OK(cudaStreamWaitEvent(later, event, 0));
   OK(cudaEventDestroy(event));
}

// ---- right callers ----

CASE(sums_and_broadcasts) {
   each(2, [](Rank &r) {
      float *x = floats(3, r.rank + 1), *y = floats(3, r.rank + 5);
      OK(launch(twice, 1, 1, 0, r.compute, x));
      wait_for(r.beside, r.compute);
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
      EXPECT_EQ(ncclBroadcast(y, y, 12, ncclUint8, 1, r.comm, r.beside), ncclSuccess);
      wait_for(r.compute, r.beside);
      OK(launch(twice, 1, 1, 0, r.compute, x));
      EXPECT_EQ(first(x, r.compute), 12);
      EXPECT_EQ(first(x + 2, r.compute), 3);
      EXPECT_EQ(first(y + 2, r.compute), 6);
      leave(r);
      EXPECT_EQ(softgpu_violations(), 0);
      EXPECT_EQ(softgpu_live("nccl communicator"), 0);
   });
}

// A rank whose host is busy with something else has its device send all the same.
CASE(a_busy_host) {
   each(2, [](Rank &r) {
      float *x = floats(3, r.rank + 1);
      for (int i = 0; i < 3; i++) {
         EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
         if (r.rank == 1) EXPECT_EQ(first(x, r.beside), 3 << i);
      }
      if (r.rank == 0) sleep(1);
      leave(r);
   });
}

// ---- no order ----

CASE(what_a_sum_gives_is_not_waited_for) {
   each(2, [](Rank &r) {
      float *x = floats(3, 1);
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
      EXPECT(std::isnan(first(x, r.compute)));
      EXPECT_EQ(first(x, r.beside), 2);
      leave(r);
   });
}

CASE(what_a_sum_takes_is_not_waited_for) {
   each(1, [](Rank &r) {
      float *x = floats(3, 1);
      OK(launch(twice, 1, 1, 0, r.compute, x));
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
      EXPECT_EQ(first(x, r.beside), 1);
      leave(r);
   });
}

// ---- wrong calls ----

CASE(wrong_streams_and_memory) {
   each(1, [](Rank &r) {
      float *x = floats(3, 1), on_host[3] = {0};
      EXPECT_EQ(sum(r, x, 3, nullptr), ncclInvalidArgument);
      EXPECT_VIOLATION("the legacy default stream");
      EXPECT_EQ(sum(r, on_host, 3, r.beside), ncclInvalidArgument);
      EXPECT_VIOLATION("recvbuff needs 12 bytes of device 0's memory and is host memory");
      EXPECT_EQ(sum(r, x, 4, r.beside), ncclInvalidArgument);
      EXPECT_VIOLATION("recvbuff needs 16 bytes");
      EXPECT_EQ(ncclAllReduce(x, x, 3, ncclFloat32, ncclMax, r.comm, r.beside), ncclInvalidArgument);
      EXPECT_VIOLATION("another operation");
      OK(cudaSetDevice(1));
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclInvalidArgument);
      EXPECT_VIOLATION("another device is the current one");
      OK(cudaSetDevice(0));
      leave(r);
      EXPECT_EQ(ncclCommAbort(r.comm), ncclInvalidArgument);
      EXPECT_VIOLATION("destroyed nccl communicator");
   });
}

CASE(nobody_asks_whether_it_has_begun) {
   each(1, [](Rank &r) {
      float *x = floats(3, 1);
      EXPECT_EQ(ncclAllReduce(x, x, 3, ncclFloat32, ncclSum, r.comm, r.beside), ncclInProgress);
      EXPECT_EQ(ncclAllReduce(x, x, 3, ncclFloat32, ncclSum, r.comm, r.beside), ncclInvalidUsage);
      EXPECT_VIOLATION("while the communicator is in progress");
      EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
   });
}

static void differ(const std::function<ncclResult_t(Rank &, float *)> &call, const char *text) {
   each(2, [&](Rank &r) {
      float *x = floats(4, 1);
      EXPECT_EQ(settle(r.comm, call(r, x)), ncclSuccess);
      cudaStreamSynchronize(r.beside);
      EXPECT_VIOLATION(text);
      ncclResult_t state;
      OK(ncclCommGetAsyncError(r.comm, &state));
      EXPECT_EQ(state, ncclInternalError);
      meet(r);
      EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
   });
}

CASE(other_counts) {
   differ(
       [](Rank &r, float *x) {
          return ncclAllReduce(x, x, 3u + unsigned(r.rank), ncclFloat32, ncclSum, r.comm, r.beside);
       },
       "rank 1 calls ncclAllReduce of 4 ncclFloat32 (ncclSum)");
}

CASE(other_calls) {
   differ(
       [](Rank &r, float *x) {
          return r.rank ? ncclBroadcast(x, x, 3, ncclUint8, 0, r.comm, r.beside)
                        : ncclAllReduce(x, x, 3, ncclFloat32, ncclSum, r.comm, r.beside);
       },
       "ncclBroadcast of 3 ncclUint8 from rank 0");
}

CASE(other_roots) {
   differ([](Rank &r, float *x) { return ncclBroadcast(x, x, 3, ncclUint8, r.rank, r.comm, r.beside); },
          "from rank 1");
}

CASE(two_ranks_on_a_device) {
   each(
       2,
       [](Rank &r) {
          EXPECT(strstr(ncclGetLastError(r.comm), "Duplicate GPU detected"));
          meet(r);
          EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
       },
       true);
}

// ---- ranks that are gone ----

CASE(a_dead_rank) {
   each(2, [](Rank &r) {
      float *x = floats(3, 1);
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
      EXPECT_EQ(first(x, r.beside), 2);
      if (r.rank == 0) kill(getpid(), SIGKILL);
      EXPECT_EQ(ncclAllReduce(x, x, 3, ncclFloat32, ncclSum, r.comm, r.beside), ncclSuccess);
      ncclResult_t state = ncclSuccess;
      for (int i = 0; i < 10000 && state == ncclSuccess; i++)
         usleep(200), ncclCommGetAsyncError(r.comm, &state);
      EXPECT_EQ(state, ncclRemoteError);
      cudaStreamQuery(r.beside);
      EXPECT_EQ(cudaStreamQuery(r.beside), cudaErrorNotReady); // until it is aborted
      EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
      OK(cudaStreamSynchronize(r.beside));
   });
}

CASE(a_rank_that_has_aborted) {
   each(2, [](Rank &r) {
      float *x = floats(3, 1);
      EXPECT_EQ(sum(r, x, 3, r.beside), ncclSuccess);
      EXPECT_EQ(first(x, r.beside), 2);
      meet(r);
      if (r.rank == 0) {
         EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
         return;
      }
      EXPECT_EQ(ncclAllReduce(x, x, 3, ncclFloat32, ncclSum, r.comm, r.beside), ncclSuccess);
      ncclResult_t state = ncclSuccess;
      for (int i = 0; i < 10000 && state == ncclSuccess; i++)
         usleep(200), ncclCommGetAsyncError(r.comm, &state);
      EXPECT_EQ(state, ncclRemoteError);
      EXPECT_EQ(softgpu_live("nccl communicator"), 1); // as long as it is not aborted
      EXPECT_EQ(ncclCommAbort(r.comm), ncclSuccess);
   });
}

MAIN
