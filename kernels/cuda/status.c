#include "kernels/cuda/status.h"

#include "kernels/cuda/advice.h"

static const ScAdvice cuda_advice[] = {
    {cudaErrorMemoryAllocation, SC_ADVICE_MEMORY, "use a smaller --batch-size or --image-size, or another GPU"},
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
    {cudaErrorInvalidDeviceFunction, 0,
     "this scute was built for other GPUs: build it with CUDA_ARCHS of this one, or use --device cpu"},
    {cudaErrorUnsupportedPtxVersion, 0, "install a newer NVIDIA driver, or use --device cpu"},
    {cudaErrorLaunchOutOfResources, 0, "the kernel needs more registers than this GPU has: report it"},
    {cudaErrorInvalidConfiguration, SC_ADVICE_SHAPE,
     "this is beyond what the kernel can do at once: use a smaller --batch-size"},
    {cudaErrorNotSupported, 0, "this GPU or driver cannot do it; use --device cpu"},
    {cudaErrorIllegalAddress, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorMisalignedAddress, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorInvalidAddressSpace, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorInvalidPc, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorIllegalInstruction, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorHardwareStackError, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorAssert, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorLaunchFailure, SC_ADVICE_STICKY, SC_ADVICE_REPORT},
    {cudaErrorLaunchTimeout, SC_ADVICE_STICKY, "a GPU that also drives a screen stops kernels that run long"},
    {cudaErrorECCUncorrectable, SC_ADVICE_STICKY, "the GPU's memory is failing; see nvidia-smi -q"},
    {cudaErrorUnknown, SC_ADVICE_STICKY, "see the system's log (dmesg) and nvidia-smi"},
};

// The runtime keeps the last error until it is asked for; the next call shall not find this one.
ScStatus sc_cuda_status(cudaError_t status, const char *what) {
   if (status == cudaSuccess) return SC_OK;
   cudaGetLastError();
   return sc_advice_tell(SC_ADVICE_OF(cuda_advice, status), what, "CUDA", cudaGetErrorString(status),
                         cudaGetErrorName(status));
}
