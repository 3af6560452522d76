// How the statuses of CUDA, cuBLAS and cuDNN become ours, with a word on what to do.
#include <string.h>

#include "kernels/cuda/context.h"

#define RESTART                                                                                                \
   "the GPU cannot be used by this program any more: start it anew (train with --resume to go on from the "    \
   "last checkpoint)"
#define REPORT "run once with CUDA_LAUNCH_BLOCKING=1, which names the op that failed, and report it"

// START: what a library says where memory is too short for it to start, among other things; worth another try.
enum { MEMORY = 1, STICKY = 2, START = 4 };

typedef struct {
   int status;
   unsigned kind;
   const char *advice;
} Advice;

static const Advice cuda_advice[] = {
    {cudaErrorMemoryAllocation, MEMORY, "use a smaller --batch-size or --image-size, or another GPU"},
    {cudaErrorInsufficientDriver, 0, "install a newer NVIDIA driver, or use --device cpu"},
    {cudaErrorSystemDriverMismatch, 0, "the driver was updated: reboot, or use --device cpu"},
    {cudaErrorCompatNotSupportedOnDevice, 0, "install a newer NVIDIA driver, or use --device cpu"},
    {cudaErrorSystemNotReady, 0, "the driver's services (fabric manager) are not running; see nvidia-smi"},
    {cudaErrorNoDevice, 0, "there is no GPU, or CUDA_VISIBLE_DEVICES hides it; use --device cpu"},
    {cudaErrorInvalidDevice, 0, "there is no GPU of that number; see nvidia-smi"},
    {cudaErrorDevicesUnavailable, 0, "another program has the GPU for itself; see nvidia-smi"},
    {cudaErrorOperatingSystem, 0, "see the system's log (dmesg) and nvidia-smi"},
    {cudaErrorInitializationError, 0, "the driver does not start; see nvidia-smi"},
    {cudaErrorNoKernelImageForDevice, 0,
     "this scute was built for other GPUs: build it with CUDA_ARCHS of this one, or use --device cpu"},
    {cudaErrorUnsupportedPtxVersion, 0, "install a newer NVIDIA driver, or use --device cpu"},
    {cudaErrorLaunchOutOfResources, 0, "the kernel needs more registers than this GPU has: report it"},
    {cudaErrorInvalidConfiguration, 0, "this shape is beyond what the kernel can do: report it"},
    {cudaErrorNotSupported, 0, "this GPU or driver cannot do it; use --device cpu"},
    {cudaErrorIllegalAddress, STICKY, REPORT},
    {cudaErrorMisalignedAddress, STICKY, REPORT},
    {cudaErrorInvalidAddressSpace, STICKY, REPORT},
    {cudaErrorInvalidPc, STICKY, REPORT},
    {cudaErrorIllegalInstruction, STICKY, REPORT},
    {cudaErrorHardwareStackError, STICKY, REPORT},
    {cudaErrorAssert, STICKY, REPORT},
    {cudaErrorLaunchFailure, STICKY, REPORT},
    {cudaErrorLaunchTimeout, STICKY, "a GPU that also drives a screen stops kernels that run long"},
    {cudaErrorECCUncorrectable, STICKY, "the GPU's memory is failing; see nvidia-smi -q"},
    {cudaErrorUnknown, STICKY, "see the system's log (dmesg) and nvidia-smi"},
};

static const Advice cublas_advice[] = {
    {CUBLAS_STATUS_NOT_INITIALIZED, START,
     "cuBLAS did not start, often because memory is short; see nvidia-smi"},
    {CUBLAS_STATUS_ALLOC_FAILED, MEMORY, "use a smaller --batch-size or --image-size, or another GPU"},
    {CUBLAS_STATUS_ARCH_MISMATCH, 0, "this GPU is too old for it; use --device cpu"},
    {CUBLAS_STATUS_NOT_SUPPORTED, 0, "cuBLAS does not do this: report it"},
    {CUBLAS_STATUS_INVALID_VALUE, 0, "report it"},
    {CUBLAS_STATUS_EXECUTION_FAILED, STICKY, REPORT},
    {CUBLAS_STATUS_INTERNAL_ERROR, 0, "is this the cuBLAS that belongs to the driver? See nvidia-smi"},
};

static const Advice cudnn_advice[] = {
    {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, 0, "several versions of cuDNN are mixed; check LD_LIBRARY_PATH"},
    {CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, 0, "a part of cuDNN is not installed or not in LD_LIBRARY_PATH"},
    {CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, MEMORY, "the computer's memory is short"},
    {CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED, MEMORY,
     "use a smaller --batch-size or --image-size, or another GPU"},
    {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, 0, "this GPU is too old for this cuDNN; use --device cpu"},
    {CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER, 0, "install a newer NVIDIA driver"},
    {CUDNN_STATUS_NOT_INITIALIZED, START, "cuDNN did not start, often because memory is short; see nvidia-smi"},
};

static const Advice *find(const Advice *table, size_t n, int status) {
   static const Advice none = {0, 0, "report it"};
   for (size_t i = 0; i < n; i++)
      if (table[i].status == status) return &table[i];
   return &none;
}
#define FIND(table, status) find(table, sizeof table / sizeof table[0], (int)(status))

// Of memory it is always told in the same words: training looks for them, to take smaller batches.
static ScStatus told(const Advice *advice, const char *what, const char *library, const char *text,
                     const char *name) {
   ScStatus code = advice->kind & (MEMORY | START) ? SC_EMEM : SC_EDEVICE;
   if (advice->kind & MEMORY) text = "out of memory";
   if (advice->kind & STICKY)
      return sc_fail(code, "%s: %s: %s (%s), in this op or one before it; %s; %s", what, library, text, name,
                     RESTART, advice->advice);
   return sc_fail(code, "%s: %s: %s (%s); %s", what, library, text, name, advice->advice);
}

// The runtime keeps the last error until it is asked for; the next call shall not find this one.
ScStatus sc_cuda_status(cudaError_t status, const char *what) {
   if (status == cudaSuccess) return SC_OK;
   cudaGetLastError();
   return told(FIND(cuda_advice, status), what, "CUDA", cudaGetErrorString(status), cudaGetErrorName(status));
}

ScStatus sc_cublas_status(cublasStatus_t status, const char *what) {
   if (status == CUBLAS_STATUS_SUCCESS) return SC_OK;
   cudaGetLastError();
   return told(FIND(cublas_advice, status), what, "cuBLAS", cublasGetStatusString(status),
               cublasGetStatusName(status));
}

// Classes of cuDNN's statuses differ by 1000; of those that have no advice of their own the class tells.
static const Advice *class_of(cudnnStatus_t status) {
   static const Advice execution = {0, STICKY, REPORT};
   static const Advice unsupported = {0, 0, "cuDNN does not do this shape; report it, or use --device cpu"};
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
   const Advice *advice = FIND(cudnn_advice, status), *class = class_of(status);
   if (advice->status == 0 && class) advice = class;
   return told(advice, what, "cuDNN", *detail ? detail : "refused", cudnnGetErrorString(status));
}
