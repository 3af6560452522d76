// Devices, their properties, and errors.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "capture.h"
#include "runtime.h"

namespace sg {

namespace {

thread_local int chosen_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

struct Named {
   cudaError_t error;
   const char *name, *text;
};

// Texts as the runtime gives them.
const Named errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorInvalidKernelImage, "cudaErrorInvalidKernelImage", "device kernel image is invalid"},
    {cudaErrorInvalidPtx, "cudaErrorInvalidPtx", "a PTX JIT compilation failed"},
    {cudaErrorSymbolNotFound, "cudaErrorSymbolNotFound", "named symbol not found"},
    {cudaErrorECCUncorrectable, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources", "too many resources requested for launch"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorHardwareStackError, "cudaErrorHardwareStackError", "hardware stack error"},
    {cudaErrorIllegalInstruction, "cudaErrorIllegalInstruction", "an illegal instruction was encountered"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const Named *named(cudaError_t error) {
   for (auto &n : errors)
      if (n.error == error) return &n;
   return nullptr;
}

int architecture() {
   return atoi(environment("SOFTGPU_ARCH", "80"));
}

std::map<int, unsigned> &device_flags() {
   static std::map<int, unsigned> all;
   return all;
}

bool known(int device) {
   return device >= 0 && device < device_count();
}

} // namespace

bool waiting_blocks() {
   return (device_flags()[chosen_device] & cudaDeviceScheduleMask) == cudaDeviceScheduleBlockingSync;
}

int current_device() {
   return chosen_device;
}

int device_count() {
   static int n = atoi(environment("SOFTGPU_DEVICES", "1"));
   return n;
}

cudaError_t remember(cudaError_t error) {
   if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
   return error;
}

} // namespace sg

using namespace sg;

extern "C" {

cudaError_t cudaGetDeviceCount(int *count) {
   CUDA_CALL("cudaGetDeviceCount");
   if (!count) return call.done(cudaErrorInvalidValue);
   *count = device_count();
   return call.done(*count ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device) {
   CUDA_CALL("cudaSetDevice");
   if (device_count() == 0) return call.done(cudaErrorNoDevice);
   if (!known(device)) return call.done(cudaErrorInvalidDevice);
   chosen_device = device;
   return call.done();
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
   CUDA_CALL("cudaSetDeviceFlags");
   if (device_count() == 0) return call.done(cudaErrorNoDevice);
   const unsigned ways = flags & cudaDeviceScheduleMask;
   if ((flags & ~unsigned(cudaDeviceMask)) || (ways & (ways - 1))) return call.done(cudaErrorInvalidValue);
   device_flags()[chosen_device] = flags;
   return call.done();
}

cudaError_t cudaGetDevice(int *device) {
   CUDA_CALL("cudaGetDevice");
   if (!device) return call.done(cudaErrorInvalidValue);
   if (device_count() == 0) return call.done(cudaErrorNoDevice);
   *device = chosen_device;
   return call.done();
}

cudaError_t cudaDeviceSynchronize(void) {
   CUDA_CALL("cudaDeviceSynchronize");
   if (cudaError_t error = capture_allows_waiting()) return call.done(error);
   call.waits();
   run_everything(chosen_device);
   return call.done();
}

cudaError_t cudaDeviceReset(void) {
   CUDA_CALL("cudaDeviceReset");
   violation("cudaDeviceReset destroys what other code of the process holds on the device");
   return call.done(cudaErrorNotSupported);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
   CUDA_CALL("cudaGetDeviceProperties");
   if (!p) return call.done(cudaErrorInvalidValue);
   if (!known(device)) return call.done(cudaErrorInvalidDevice);
   memset(p, 0, sizeof *p);
   snprintf(p->name, sizeof p->name, "Software GPU");
   size_t free;
   memory_info(device, &free, &p->totalGlobalMem);
   p->sharedMemPerBlock = 48 << 10;
   p->sharedMemPerBlockOptin = 99 << 10;
   p->sharedMemPerMultiprocessor = 100 << 10;
   p->reservedSharedMemPerBlock = 1 << 10;
   p->regsPerBlock = p->regsPerMultiprocessor = 65536;
   p->warpSize = 32;
   p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
   p->maxThreadsDim[2] = 64;
   p->maxGridSize[0] = 0x7fffffff;
   p->maxGridSize[1] = p->maxGridSize[2] = 65535;
   p->major = architecture() / 10;
   p->minor = architecture() % 10;
   p->totalConstMem = 65536;
   p->textureAlignment = 512;
   p->multiProcessorCount = 8;
   p->maxThreadsPerMultiProcessor = 1536;
   p->maxBlocksPerMultiProcessor = 16;
   p->memoryBusWidth = 256;
   p->l2CacheSize = 4 << 20;
   p->concurrentKernels = p->asyncEngineCount = p->unifiedAddressing = p->canMapHostMemory = 1;
   p->pciBusID = 1 + device;
   p->streamPrioritiesSupported = p->memoryPoolsSupported = 1;
   return call.done();
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
   CUDA_CALL("cudaDeviceGetAttribute");
   if (!value) return call.done(cudaErrorInvalidValue);
   if (!known(device)) return call.done(cudaErrorInvalidDevice);
   switch (attribute) {
   case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
   case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 << 10; break;
   case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 99 << 10; break;
   case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = 100 << 10; break;
   case cudaDevAttrWarpSize: *value = 32; break;
   case cudaDevAttrMultiProcessorCount: *value = 8; break;
   case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 1536; break;
   case cudaDevAttrMaxGridDimX: *value = 0x7fffffff; break;
   case cudaDevAttrMaxGridDimY:
   case cudaDevAttrMaxGridDimZ: *value = 65535; break;
   case cudaDevAttrComputeCapabilityMajor: *value = architecture() / 10; break;
   case cudaDevAttrComputeCapabilityMinor: *value = architecture() % 10; break;
   case cudaDevAttrL2CacheSize: *value = 4 << 20; break;
   case cudaDevAttrMemoryPoolsSupported:
   case cudaDevAttrUnifiedAddressing: *value = 1; break;
   case cudaDevAttrPciBusId: *value = 1 + device; break;
   case cudaDevAttrPciDeviceId:
   case cudaDevAttrPciDomainId:
   case cudaDevAttrIntegrated:
   case cudaDevAttrPageableMemoryAccess: *value = 0; break;
   default:
      violation("cudaDeviceGetAttribute: the software GPU does not know attribute %d", int(attribute));
      return call.done(cudaErrorInvalidValue);
   }
   return call.done();
}

cudaError_t cudaRuntimeGetVersion(int *version) {
   CUDA_CALL("cudaRuntimeGetVersion");
   if (!version) return call.done(cudaErrorInvalidValue);
   *version = CUDART_VERSION;
   return call.done();
}

cudaError_t cudaDriverGetVersion(int *version) {
   CUDA_CALL("cudaDriverGetVersion");
   if (!version) return call.done(cudaErrorInvalidValue);
   *version = CUDART_VERSION;
   return call.done();
}

cudaError_t cudaGetLastError(void) {
   std::lock_guard guard(big_lock());
   cudaError_t error = sticky() != cudaSuccess ? sticky() : last_error;
   last_error = cudaSuccess;
   return error;
}

cudaError_t cudaPeekAtLastError(void) {
   std::lock_guard guard(big_lock());
   return sticky() != cudaSuccess ? sticky() : last_error;
}

const char *cudaGetErrorName(cudaError_t error) {
   const Named *n = named(error);
   return n ? n->name : "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
   const Named *n = named(error);
   return n ? n->text : "unrecognized error code";
}
}
