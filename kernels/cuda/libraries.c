#include "kernels/cuda/libraries.h"

#include <string.h>

#include "host/core/buffer.h"
#include "host/core/recording.h"
#include "kernels/cuda/advice.h"
#include "kernels/cuda/capability.h"
#include "kernels/cuda/stream.h"

// ---- statuses ----

static const ScAdvice cublas_advice[] = {
    {CUBLAS_STATUS_NOT_INITIALIZED, SC_ADVICE_START,
     "cuBLAS did not start, often because memory is short; see nvidia-smi"},
    {CUBLAS_STATUS_ALLOC_FAILED, SC_ADVICE_MEMORY,
     "use a smaller --batch-size or --image-size, or another GPU"},
    {CUBLAS_STATUS_ARCH_MISMATCH, 0, "this GPU is too old for it; use --device cpu"},
    {CUBLAS_STATUS_NOT_SUPPORTED, 0, "cuBLAS does not do this: report it"},
    {CUBLAS_STATUS_INVALID_VALUE, 0, "report it"},
    {CUBLAS_STATUS_EXECUTION_FAILED, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {CUBLAS_STATUS_INTERNAL_ERROR, 0, "is this the cuBLAS that belongs to the driver? See nvidia-smi"},
};

static const ScAdvice cudnn_advice[] = {
    {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, 0, "several versions of cuDNN are mixed; check LD_LIBRARY_PATH"},
    {CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, 0, "a part of cuDNN is not installed or not in LD_LIBRARY_PATH"},
    {CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, SC_ADVICE_MEMORY, "the computer's memory is short"},
    {CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, SC_ADVICE_MEMORY,
     "use a smaller --batch-size or --image-size, or another GPU"},
    {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, 0, "this GPU is too old for this cuDNN; use --device cpu"},
    {CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER, 0, "install a newer NVIDIA driver"},
    {CUDNN_STATUS_NOT_INITIALIZED, SC_ADVICE_START,
     "cuDNN did not start, often because memory is short; see nvidia-smi"},
};

ScStatus sc_cublas_status(cublasStatus_t status, const char *what) {
   if (status == CUBLAS_STATUS_SUCCESS) return SC_OK;
   cudaGetLastError();
   return sc_advice_tell(SC_ADVICE_OF(cublas_advice, status), what, "cuBLAS", cublasGetStatusString(status),
                         cublasGetStatusName(status));
}

// Classes of cuDNN's statuses differ by 1000; of those that have no advice of their own the class tells.
static const ScAdvice *class_of(cudnnStatus_t status) {
   static const ScAdvice execution = {0, SC_ADVICE_STICKY, SC_ADVICE_REPORT};
   static const ScAdvice unsupported = {0, 0, "cuDNN does not do this shape; report it, or use --device cpu"};
   if (status / 1000 == CUDNN_STATUS_EXECUTION_FAILED / 1000) return &execution;
   if (status / 1000 == CUDNN_STATUS_NOT_SUPPORTED / 1000) return &unsupported;
   return NULL;
}

ScStatus sc_cudnn_status(cudnnStatus_t status, const char *what) {
   if (status == CUDNN_STATUS_SUCCESS) return SC_OK;
   char detail[256] = "";
   cudnnGetLastErrorString(detail, sizeof detail);
   detail[strcspn(detail, "\n")] = 0;
   cudaGetLastError();
   const ScAdvice *advice = SC_ADVICE_OF(cudnn_advice, status), *class = class_of(status);
   if (advice->status == 0 && class) advice = class;
   return sc_advice_tell(advice, what, "cuDNN", *detail ? detail : "refused", cudnnGetErrorString(status));
}

// ---- handles ----

static struct {
   cublasHandle_t blas;
   ScBuffer *workspace; // of cuBLAS
   cudnnHandle_t dnn;
} handles[SC_MAXDEVICES];

enum { HOPPER = 90 };

// Of long sums of halves, too, the parts are added in f32.
static const cublasMath_t SUMS_IN_F32 = CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;

static ScStatus start_blas(const ScDevice *device) {
   cublasHandle_t handle;
   SC_CUBLAS_TRY(cublasCreate(&handle), "starting cuBLAS");
   ScStatus status = sc_cublas_status(cublasSetStream(handle, sc_cuda_stream(device)), "starting cuBLAS");
   if (status == SC_OK) status = sc_cublas_status(cublasSetMathMode(handle, SUMS_IN_F32), "starting cuBLAS");
   if (status != SC_OK) return cublasDestroy(handle), status;
   handles[device->index].blas = handle;
   return SC_OK;
}

static void drop_workspace(const ScDevice *device) {
   sc_buffer_release(handles[device->index].workspace);
   handles[device->index].workspace = NULL;
}

// As large as the documentation of cublasSetWorkspace recommends. Without it each product of a graph would have
// memory of its own, which the graph takes and no pool knows of.
static ScStatus lend_workspace(const ScDevice *device) {
   size_t bytes = (size_t)(sc_cuda_capability(device) >= HOPPER ? 32 : 4) << 20;
   SC_TRY(sc_buffer_new(&handles[device->index].workspace, (ScDevice *)device, bytes));
   ScBuffer *buffer = handles[device->index].workspace;
   ScStatus status = sc_cublas_status(
       cublasSetWorkspace(handles[device->index].blas, buffer->data, buffer->bytes), "memory for cuBLAS");
   if (status != SC_OK) drop_workspace(device);
   return status;
}

ScStatus sc_cuda_blas(const ScDevice *device, cublasHandle_t *out) {
   SC_TRY(sc_cuda_use(device));
   if (!handles[device->index].blas) SC_TRY(start_blas(device));
   if (!handles[device->index].workspace) SC_TRY(lend_workspace(device));
   *out = handles[device->index].blas;
   return SC_OK;
}

// The library may be another one than the headers, but not of another major version.
static ScStatus check_dnn_version(void) {
   size_t version = cudnnGetVersion();
   if (version / 10000 == CUDNN_MAJOR) return SC_OK;
   return sc_fail(SC_EDEVICE,
                  "cuDNN %d is needed, but the library found has version %zu; check LD_LIBRARY_PATH",
                  CUDNN_MAJOR, version);
}

ScStatus sc_cuda_dnn(const ScDevice *device, cudnnHandle_t *out) {
   SC_TRY(sc_cuda_use(device));
   if (!handles[device->index].dnn) {
      cudnnHandle_t handle;
      SC_TRY(check_dnn_version());
      SC_CUDNN_TRY(cudnnCreate(&handle), "starting cuDNN");
      ScStatus status = sc_cudnn_status(cudnnSetStream(handle, sc_cuda_stream(device)), "starting cuDNN");
      if (status != SC_OK) return cudnnDestroy(handle), status;
      handles[device->index].dnn = handle;
   }
   *out = handles[device->index].dnn;
   return SC_OK;
}

// The next one would be one more beside that of a graph.
void sc_libraries_flush(const ScDevice *device) {
   if (!sc_has_recording(device)) drop_workspace(device);
}

void sc_libraries_close(const ScDevice *device) {
   if (handles[device->index].dnn) cudnnDestroy(handles[device->index].dnn);
   if (handles[device->index].blas) cublasDestroy(handles[device->index].blas);
   drop_workspace(device);
   handles[device->index].dnn = NULL;
   handles[device->index].blas = NULL;
}
