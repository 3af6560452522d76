#define _GNU_SOURCE // dladdr
#include "kernels/cuda/nccl.h"

#include <stdlib.h>

double sc_nccl_patience(void) {
   const char *said = getenv("SCUTE_NCCL_TIMEOUT");
   double seconds = said ? atof(said) : 0;
   return seconds > 0 ? seconds : 600;
}

#if __has_include(<nccl.h>)

#include <dlfcn.h>
#include <limits.h>
#include <nccl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/core/clock.h"
#include "host/core/shared_library.h"
#include "kernels/cuda/stream.h"

static struct {
   __typeof__(ncclGetErrorString) *error_string;
   __typeof__(ncclGetLastError) *last_error;
   __typeof__(ncclGetUniqueId) *unique_id;
   __typeof__(ncclCommInitRankConfig) *init;
   __typeof__(ncclCommGetAsyncError) *async_error;
   __typeof__(ncclAllReduce) *all_reduce;
   __typeof__(ncclBroadcast) *broadcast;
   __typeof__(ncclCommFinalize) *finalize;
   __typeof__(ncclCommDestroy) *destroy;
   __typeof__(ncclCommAbort) *abort;
} nccl;

static const ScSymbol symbols[] = {
    {"ncclGetErrorString", &nccl.error_string},
    {"ncclGetLastError", &nccl.last_error},
    {"ncclGetUniqueId", &nccl.unique_id},
    {"ncclCommInitRankConfig", &nccl.init},
    {"ncclCommGetAsyncError", &nccl.async_error},
    {"ncclAllReduce", &nccl.all_reduce},
    {"ncclBroadcast", &nccl.broadcast},
    {"ncclCommFinalize", &nccl.finalize},
    {"ncclCommDestroy", &nccl.destroy},
    {"ncclCommAbort", &nccl.abort},
    {0},
};

struct ScNccl {
   ncclComm_t comm; // NULL once it is aborted
   ScDevice *device;
   int rank, size;
   char why[400]; // it was aborted
};

// ---- opening the library ----

#define LIBRARY "libnccl.so.2"

// Packages of Python have a folder for each library.
static ScStatus open_library(void) {
   static char beside[PATH_MAX + 32], apart[PATH_MAX + 64];
   static const char *const files[] = {beside, apart, LIBRARY, NULL};
   static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libnccl2"};
   Dl_info info;
   bool found = dladdr((const void *)cudaGetDeviceCount, &info) && info.dli_fname;
   const char *slash = found ? strrchr(info.dli_fname, '/') : NULL;
   int length = slash ? (int)(slash - info.dli_fname) : 0;
   const char *folder = slash ? info.dli_fname : "";
   snprintf(beside, sizeof beside, "%.*s/%s", length, folder, LIBRARY);
   snprintf(apart, sizeof apart, "%.*s/../../nccl/lib/%s", length, folder, LIBRARY);
   ScStatus status = sc_shared_library_open(&library);
   if (status != SC_EUNSUPPORTED) return status;
   return sc_fail(
       SC_EUNSUPPORTED,
       "GPUs of several processes add up through NCCL, and there is no %s of version 2.14 or later "
       "beside the CUDA runtime (%.*s) or in the library path (LD_LIBRARY_PATH): install it (Debian, "
       "Ubuntu: NVIDIA's libnccl2; pip: nvidia-nccl-cu%d), start one process alone, or use "
       "--device cpu",
       LIBRARY, length, folder, CUDART_VERSION / 1000);
}

ScStatus sc_nccl_find(void) {
   return open_library();
}

// ---- statuses ----

static const char *name_of(ncclResult_t result) {
   switch (result) {
   case ncclUnhandledCudaError: return "ncclUnhandledCudaError";
   case ncclSystemError: return "ncclSystemError";
   case ncclInternalError: return "ncclInternalError";
   case ncclInvalidArgument: return "ncclInvalidArgument";
   case ncclInvalidUsage: return "ncclInvalidUsage";
   case ncclRemoteError: return "ncclRemoteError";
   default: return "unknown";
   }
}

static const char *advice_of(ncclResult_t result) {
   switch (result) {
   case ncclRemoteError:
      return "another process has ended, or cannot be reached: start all of them anew (train with --resume to "
             "go "
             "on from the last checkpoint)";
   case ncclSystemError: return "NCCL_DEBUG=WARN in the environment has it say more";
   case ncclInvalidUsage:
      return "each process needs a GPU of its own, and all of them the same calls; NCCL_DEBUG=WARN has it say "
             "more";
   default: return "NCCL_DEBUG=WARN in the environment has it say more; report it";
   }
}

// The last error's text may be of another call, so it stands behind what is certain.
static ScStatus tell(ncclResult_t result, const char *what) {
   if (result == ncclSuccess) return SC_OK;
   const char *more = nccl.last_error(NULL);
   int length = more ? (int)strcspn(more, "\n") : 0;
   cudaGetLastError();
   return sc_fail(SC_EIO, "%s: NCCL: %s (%s)%s%.*s; %s", what, nccl.error_string(result), name_of(result),
                  length ? ": " : "", length, length ? more : "", advice_of(result));
}

// ---- what is in progress ----

void sc_nccl_abort(ScNccl *c, const char *why) {
   if (!c->comm) return;
   snprintf(c->why, sizeof c->why, "%s", why);
   nccl.abort(c->comm);
   c->comm = NULL;
   cudaGetLastError();
}

static ScStatus broken(const ScNccl *c) {
   return sc_fail(SC_EIO, "%s", c->why);
}

// Whoever has started the processes knows better which of them has ended, and why, and is about to end this
// one: what it could say would only be in the way.
static ScStatus abort_with(ScNccl *c, ncclResult_t result, const char *what) {
   char why[sizeof c->why];
   tell(result, what);
   snprintf(why, sizeof why, "%s", sc_error());
   if (result == ncclRemoteError) nanosleep(&(struct timespec){.tv_sec = 2}, NULL);
   sc_nccl_abort(c, why);
   return broken(c);
}

static ScStatus fail_to_come(ScNccl *c, const char *what) {
   char why[sizeof c->why];
   snprintf(
       why, sizeof why,
       "%s: NCCL: the other processes did not come within %g seconds (SCUTE_NCCL_TIMEOUT): one of them has "
       "ended or hangs; start all of them anew (train with --resume to go on from the last checkpoint)",
       what, sc_nccl_patience());
   sc_nccl_abort(c, why);
   return broken(c);
}

// Its communicators do not block: what is not done at once goes on by itself, and until then nothing else may
// be asked of them, nor of the stream.
static ScStatus settle(ScNccl *c, ncclResult_t result, const char *what) {
   double since = sc_seconds();
   for (int looks = 0; result == ncclInProgress; looks++) {
      ncclResult_t asked = nccl.async_error(c->comm, &result);
      if (asked != ncclSuccess) result = asked;
      if (result != ncclInProgress) break;
      if (sc_seconds() - since > sc_nccl_patience()) return fail_to_come(c, what);
      nanosleep(&(struct timespec){.tv_nsec = looks < 100 ? 20 * 1000 : 1000 * 1000}, NULL);
   }
   return result == ncclSuccess ? SC_OK : abort_with(c, result, what);
}

ScStatus sc_nccl_check(ScNccl *c) {
   ncclResult_t result = ncclSuccess;
   if (!c->comm) return broken(c);
   ncclResult_t asked = nccl.async_error(c->comm, &result);
   if (asked != ncclSuccess) result = asked;
   return result == ncclSuccess || result == ncclInProgress ? SC_OK
                                                            : abort_with(c, result, "sums between processes");
}

// ---- joining and leaving ----

ScStatus sc_nccl_make_id(char id[SC_NCCL_ID]) {
   _Static_assert(sizeof(ncclUniqueId) == SC_NCCL_ID, "an id is as long as NCCL's");
   ncclUniqueId made;
   SC_TRY(open_library());
   SC_TRY(tell(nccl.unique_id(&made), "joining processes"));
   memcpy(id, &made, sizeof made);
   return SC_OK;
}

static ScStatus join(ScNccl *c, const char id[SC_NCCL_ID]) {
   ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
   ncclUniqueId known;
   memcpy(&known, id, sizeof known);
   config.blocking = 0;
   ncclResult_t result = nccl.init(&c->comm, c->size, known, c->rank, &config);
   if (c->comm) return settle(c, result, "joining processes");
   return tell(result == ncclSuccess ? ncclInternalError : result, "joining processes");
}

ScStatus sc_nccl_open(ScNccl **out, ScDevice *device, int rank, int size, const char id[SC_NCCL_ID]) {
   SC_TRY(open_library());
   SC_TRY(sc_cuda_use(device));
   ScNccl *c = calloc(1, sizeof *c);
   if (!c) return sc_fail(SC_EMEM, "out of memory");
   c->device = device;
   c->rank = rank;
   c->size = size;
   ScStatus status = join(c, id);
   if (status != SC_OK) {
      sc_nccl_close(c);
      return status;
   }
   *out = c;
   return SC_OK;
}

// Finalizing waits for the others, who leave too; destroying is its own business then.
void sc_nccl_close(ScNccl *c) {
   if (!c) return;
   if (c->comm && sc_cuda_use(c->device) == SC_OK &&
       settle(c, nccl.finalize(c->comm), "leaving the other processes") == SC_OK && c->comm)
      nccl.destroy(c->comm);
   else if (c->comm)
      nccl.abort(c->comm);
   free(c);
}

// ---- what it does ----

static ScStatus type_of(ScDtype dtype, ncclDataType_t *out) {
   switch (dtype) {
   case SC_F32: *out = ncclFloat32; return SC_OK;
   case SC_F64: *out = ncclFloat64; return SC_OK;
   case SC_I64: *out = ncclInt64; return SC_OK;
   default: return sc_fail(SC_EARG, "ncclAllReduce: expected f32, f64 or i64, found %s", sc_dtype_name(dtype));
   }
}

ScStatus sc_nccl_all_reduce(ScNccl *c, ScDtype dtype, int64_t n, void *data, cudaStream_t stream) {
   ncclDataType_t type;
   SC_TRY(type_of(dtype, &type));
   SC_TRY(sc_nccl_check(c));
   SC_TRY(sc_cuda_use(c->device));
   if (n <= 0) return SC_OK;
   return settle(c, nccl.all_reduce(data, data, (size_t)n, type, ncclSum, c->comm, stream), "a sum");
}

ScStatus sc_nccl_broadcast(ScNccl *c, int root, size_t bytes, void *data, cudaStream_t stream) {
   SC_TRY(sc_nccl_check(c));
   SC_TRY(sc_cuda_use(c->device));
   if (bytes == 0) return SC_OK;
   return settle(c, nccl.broadcast(data, data, bytes, ncclUint8, root, c->comm, stream), "a broadcast");
}

#else // a toolkit without its header

static ScStatus lacks(void) {
   return sc_fail(SC_EUNSUPPORTED,
                  "GPUs of several processes add up through NCCL, and this scute was built without it: install "
                  "its header nccl.h (Debian, Ubuntu: NVIDIA's libnccl-dev) and build scute anew (make), start "
                  "one process alone, or use --device cpu");
}

ScStatus sc_nccl_find(void) {
   return lacks();
}

ScStatus sc_nccl_make_id(char id[SC_NCCL_ID]) {
   (void)id;
   return lacks();
}

ScStatus sc_nccl_open(ScNccl **out, ScDevice *device, int rank, int size, const char id[SC_NCCL_ID]) {
   (void)out, (void)device, (void)rank, (void)size, (void)id;
   return lacks();
}

ScStatus sc_nccl_all_reduce(ScNccl *c, ScDtype dtype, int64_t n, void *data, cudaStream_t stream) {
   (void)c, (void)dtype, (void)n, (void)data, (void)stream;
   return lacks();
}

ScStatus sc_nccl_broadcast(ScNccl *c, int root, size_t bytes, void *data, cudaStream_t stream) {
   (void)c, (void)root, (void)bytes, (void)data, (void)stream;
   return lacks();
}

ScStatus sc_nccl_check(ScNccl *c) {
   (void)c;
   return lacks();
}

void sc_nccl_abort(ScNccl *c, const char *why) {
   (void)c, (void)why;
}

void sc_nccl_close(ScNccl *c) {
   (void)c;
}

#endif
