// The CUDA backend: which devices there are, their memory, and copies.
#include <string.h>

#include "host/core/register.h"
#include "host/core/sync.h"
#include "kernels/cuda/await.h"
#include "kernels/cuda/built_for.h"
#include "kernels/cuda/capability.h"
#include "kernels/cuda/conv_known.h"
#include "kernels/cuda/conv_plan.h"
#include "kernels/cuda/fill.h"
#include "kernels/cuda/folded.h"
#include "kernels/cuda/graph.h"
#include "kernels/cuda/libraries.h"
#include "kernels/cuda/nvrtc.h"
#include "kernels/cuda/own_code.h"
#include "kernels/cuda/range.h"
#include "kernels/cuda/staging.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"
#include "kernels/cuda/workspace.h"

// ---- which devices there are ----

static ScStatus too_old(int driver) {
   if (driver == 0)
      return sc_fail(SC_EDEVICE, "there is no NVIDIA driver (libcuda.so.1): install one, or use --device cpu");
   return sc_fail(
       SC_EDEVICE,
       "the NVIDIA driver is for CUDA %d.%d and this scute for CUDA %d.%d: install a newer driver, or "
       "use --device cpu",
       driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
}

// Without a driver, and with one that is too old, the runtime says the same.
static ScStatus count(int *n) {
   int driver = 0;
   cudaError_t error = cudaGetDeviceCount(n);
   if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess) {
      cudaGetLastError();
      return too_old(driver);
   }
   if (error == cudaErrorNoDevice || (error == cudaSuccess && *n == 0)) {
      cudaGetLastError();
      return sc_fail(SC_EDEVICE,
                     "the NVIDIA driver finds no GPU (is CUDA_VISIBLE_DEVICES set?); use --device cpu");
   }
   return sc_cuda_status(error, "looking for GPUs");
}

// Without a context on it, which takes hundreds of megabytes of it, or all of it where one program alone may
// have it: who looks for a GPU may be one that leaves computing to others.
static ScStatus can_compute(ScDevice *device) {
   bool is_built = sc_cuda_is_built_for(sc_cuda_capability(device));
   return is_built ? SC_OK : sc_cuda_status(cudaErrorNoKernelImageForDevice, device->name);
}

// ---- memory ----

// Also while a graph is recorded: memory that a graph finds is there when it is launched.
static cudaError_t malloc_at_any_time(void **out, size_t bytes) {
   enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
   cudaThreadExchangeStreamCaptureMode(&mode);
   cudaError_t error = cudaMalloc(out, bytes);
   cudaThreadExchangeStreamCaptureMode(&mode);
   return error;
}

static ScStatus allocate(ScDevice *device, size_t bytes, void **out) {
   SC_TRY(sc_cuda_use(device));
   cudaError_t error = malloc_at_any_time(out, bytes);
   if (error != cudaErrorMemoryAllocation) return sc_cuda_status(error, device->name);
   size_t available = 0, total = 0;
   cudaGetLastError();
   if (cudaMemGetInfo(&available, &total) != cudaSuccess) cudaGetLastError();
   return sc_fail(SC_EMEM,
                  "out of memory on %s: %zu bytes wanted, %zu of %zu are available; use a smaller --batch-size "
                  "or --image-size",
                  device->name, bytes, available, total);
}

// cudaFree need not wait for work that uses what it frees. The pool keeps blocks, so that this happens seldom.
// Which device is the current one does not matter here.
static void release(ScDevice *device, void *data, size_t bytes) {
   (void)bytes;
   sc_note_sync("memory given back");
   sc_cuda_await_all(device, "memory given back");
   if (cudaFree(data) != cudaSuccess) cudaGetLastError();
}

static ScStatus copy(ScDevice *device, void *to, const void *from, size_t bytes) {
   SC_TRY(sc_cuda_use(device));
   return sc_cuda_status(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, sc_cuda_stream(device)),
                         "copy on the GPU");
}

static ScStatus wait(ScDevice *device) {
   if (!sc_cuda_stream(device)) return SC_OK; // it has had nothing to do
   SC_TRY(sc_cuda_use(device));
   sc_note_sync("synchronize");
   return sc_cuda_await_all(device, "waiting for the GPU");
}

static void flush(ScDevice *device) {
   sc_workspace_drop(device);
   sc_conv_plans_drop(device);
   sc_folded_drop(device);
   sc_libraries_flush(device);
}

static char *chosen(ScDevice *device) {
   sc_conv_plans_settle(device);
   return sc_conv_used(device);
}

static bool choose(ScDevice *device, const char *chosen) {
   bool taken = sc_conv_take(device, chosen);
   if (taken) sc_conv_plans_drop(device);
   return taken;
}

// In a context that an error has left unusable the calls fail, and nothing is to be done about it.
static void close_all(ScDevice *device) {
   if (!sc_cuda_stream(device)) return;
   cudaSetDevice(device->index);
   cudaStreamSynchronize(sc_cuda_stream(device));
   flush(device);
   sc_own_code_close(device);
   sc_staging_close(device);
   sc_libraries_close(device);
   sc_stream_close(device);
}

static ScBackend cuda = {
    .name = "cuda",
    .count = count,
    .start = can_compute,
    .allocate = allocate,
    .release = release,
    .upload = sc_cuda_upload,
    .download = sc_cuda_download,
    .begin_read = sc_cuda_begin_read,
    .end_read = sc_cuda_end_read,
    .copy = copy,
    .fill = sc_cuda_fill,
    .record = sc_cuda_record,
    .recorded = sc_cuda_recorded,
    .replay = sc_cuda_replay,
    .forget_recorded = sc_cuda_forget_recorded,
    .wait = wait,
    .rounds_products = sc_cuda_has_tf32,
    .has_tensor_cores = sc_cuda_has_tensor_cores,
    .chosen = chosen,
    .choose = choose,
    .compiler = sc_nvrtc_compiler,
    .compile = sc_nvrtc_compile,
    .load = sc_own_code_load,
    .forget = sc_folded_forget,
    .begin_range = sc_cuda_begin_range,
    .end_range = sc_cuda_end_range,
    .flush = flush,
    .close = close_all,
};
SC_BACKEND(cuda)
