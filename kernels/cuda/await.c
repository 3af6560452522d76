#include "kernels/cuda/await.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/core/clock.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

enum { MOST = 4 };

typedef struct {
   ScNccl *nccl;
   cudaStream_t stream;
} Watched;

// Those of a device stand in front.
static Watched watched[SC_MAXDEVICES][MOST + 1];

void sc_cuda_watch(const ScDevice *device, ScNccl *c, cudaStream_t stream) {
   Watched *at = watched[device->index], *end = at + MOST;
   while (at < end && at->nccl) at++;
   if (at < end) *at = (Watched){c, stream};
}

void sc_cuda_unwatch(const ScDevice *device, cudaStream_t stream) {
   Watched *at = watched[device->index], *end = at + MOST;
   while (at < end && !(at->nccl && at->stream == stream)) at++;
   for (; at < end; at++) *at = at + 1 < end ? at[1] : (Watched){0};
}

static bool has_groups(const ScDevice *device) {
   return watched[device->index][0].nccl != NULL;
}

// What has failed in one of them ends the work of all: they belong to the same processes.
static void abort_all(const ScDevice *device) {
   char why[400];
   snprintf(why, sizeof why, "%s", sc_error());
   for (Watched *at = watched[device->index]; at->nccl; at++) sc_nccl_abort(at->nccl, why);
}

ScStatus sc_cuda_check_groups(const ScDevice *device) {
   ScStatus status = SC_OK;
   for (Watched *at = watched[device->index]; at->nccl && status == SC_OK; at++)
      status = sc_nccl_check(at->nccl);
   if (status != SC_OK) abort_all(device);
   return status;
}

static ScStatus give_up(const ScDevice *device, double seconds, const char *what) {
   ScStatus status = sc_fail(SC_EIO,
                             "%s: the other processes did not come within %g seconds (SCUTE_NCCL_TIMEOUT): one "
                             "of them has ended or hangs; start all of them anew (train with --resume to go on "
                             "from the last checkpoint)",
                             what, seconds);
   abort_all(device);
   return status;
}

// Short naps first: what is waited for is often there almost at once.
static void nap(int looks) {
   nanosleep(&(struct timespec){.tv_nsec = looks < 200 ? 20 * 1000 : 500 * 1000}, NULL);
}

typedef cudaError_t Ask(void *handle);

static cudaError_t ask_event(void *event) {
   return cudaEventQuery(event);
}

static cudaError_t ask_stream(void *stream) {
   return cudaStreamQuery(stream);
}

// Asking NCCL costs more than asking CUDA.
static ScStatus look_until(const ScDevice *device, Ask *ask, void *handle, double seconds, const char *what) {
   double since = sc_seconds();
   for (int looks = 0;; looks++) {
      cudaError_t error = ask(handle);
      if (error == cudaSuccess) return sc_cuda_check_groups(device);
      if (error != cudaErrorNotReady) return sc_cuda_status(error, what);
      cudaGetLastError();
      if (looks % 16 == 0) SC_TRY(sc_cuda_check_groups(device));
      if (sc_seconds() - since > seconds) return give_up(device, seconds, what);
      nap(looks);
   }
}

ScStatus sc_cuda_await_for(const ScDevice *device, cudaEvent_t event, double seconds, const char *what) {
   if (!has_groups(device)) return sc_cuda_status(cudaEventSynchronize(event), what);
   return look_until(device, ask_event, event, seconds > 0 ? seconds : sc_nccl_patience(), what);
}

ScStatus sc_cuda_await(const ScDevice *device, cudaEvent_t event, const char *what) {
   return sc_cuda_await_for(device, event, 0, what);
}

ScStatus sc_cuda_await_all(const ScDevice *device, const char *what) {
   cudaStream_t stream = sc_cuda_stream(device);
   if (!has_groups(device)) return sc_cuda_status(cudaStreamSynchronize(stream), what);
   SC_TRY(look_until(device, ask_stream, stream, sc_nccl_patience(), what));
   for (Watched *at = watched[device->index]; at->nccl; at++)
      SC_TRY(look_until(device, ask_stream, at->stream, sc_nccl_patience(), what));
   return SC_OK;
}
