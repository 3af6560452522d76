#include "kernels/cuda/context.h"

#include "kernels/cuda/conv_plan.h"
#include "kernels/cuda/staging.h"

static ScCuda contexts[SC_MAXDEVICES];

ScCuda *sc_cuda_context(const ScDevice *device) {
   return &contexts[device->index];
}

// Streams are non-blocking: nothing here uses the default stream, and work that another library puts there is
// not to be waited for.
static ScStatus start(const ScDevice *device, ScCuda *cuda) {
   int processors, threads;
   SC_CUDA_TRY(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device->index),
               device->name);
   SC_CUDA_TRY(cudaDeviceGetAttribute(&threads, cudaDevAttrMaxThreadsPerMultiProcessor, device->index),
               device->name);
   cuda->threads = processors * threads;
   SC_CUDA_TRY(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), device->name);
   return SC_OK;
}

ScStatus sc_cuda_use(const ScDevice *device) {
   ScCuda *cuda = sc_cuda_context(device);
   SC_CUDA_TRY(cudaSetDevice(device->index), device->name);
   return cuda->stream ? SC_OK : start(device, cuda);
}

cudaStream_t sc_cuda_stream(const ScDevice *device) {
   return sc_cuda_context(device)->stream;
}

int sc_cuda_resident_threads(const ScDevice *device) {
   return sc_cuda_context(device)->threads;
}

// ---- libraries ----

// Of long sums of halves, too, the parts are added in f32.
static const cublasMath_t SUMS_IN_F32 = CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;

ScStatus sc_cuda_blas(const ScDevice *device, cublasHandle_t *out) {
   ScCuda *cuda = sc_cuda_context(device);
   SC_TRY(sc_cuda_use(device));
   if (!cuda->blas) {
      cublasHandle_t handle;
      SC_CUBLAS_TRY(cublasCreate(&handle), "starting cuBLAS");
      ScStatus status = sc_cublas_status(cublasSetStream(handle, cuda->stream), "starting cuBLAS");
      if (status == SC_OK) status = sc_cublas_status(cublasSetMathMode(handle, SUMS_IN_F32), "starting cuBLAS");
      if (status != SC_OK) return cublasDestroy(handle), status;
      cuda->blas = handle;
   }
   *out = cuda->blas;
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
   ScCuda *cuda = sc_cuda_context(device);
   SC_TRY(sc_cuda_use(device));
   if (!cuda->dnn) {
      cudnnHandle_t handle;
      SC_TRY(check_dnn_version());
      SC_CUDNN_TRY(cudnnCreate(&handle), "starting cuDNN");
      ScStatus status = sc_cudnn_status(cudnnSetStream(handle, cuda->stream), "starting cuDNN");
      if (status != SC_OK) return cudnnDestroy(handle), status;
      cuda->dnn = handle;
   }
   *out = cuda->dnn;
   return SC_OK;
}

// ---- scratch memory ----

// It comes from the device's pool, so that a block that was outgrown serves others, in stream order.
ScStatus sc_cuda_workspace(const ScDevice *device, size_t bytes, void **out) {
   ScCuda *cuda = sc_cuda_context(device);
   SC_TRY(sc_cuda_use(device));
   if (!cuda->workspace || cuda->workspace->bytes < bytes) {
      sc_buffer_release(cuda->workspace);
      cuda->workspace = NULL;
      SC_TRY(sc_buffer_new(&cuda->workspace, (ScDevice *)device, bytes));
   }
   *out = cuda->workspace->data;
   return SC_OK;
}

void sc_cuda_flush(ScDevice *device) {
   ScCuda *cuda = sc_cuda_context(device);
   sc_buffer_release(cuda->workspace);
   cuda->workspace = NULL;
   sc_conv_plans_drop(cuda);
}

// In a context that an error has left unusable the calls fail, and nothing is to be done about it.
void sc_cuda_close(ScDevice *device) {
   ScCuda *cuda = sc_cuda_context(device);
   if (!cuda->stream) return;
   cudaSetDevice(device->index);
   cudaStreamSynchronize(cuda->stream);
   sc_cuda_flush(device);
   sc_staging_close(cuda);
   if (cuda->dnn) cudnnDestroy(cuda->dnn);
   if (cuda->blas) cublasDestroy(cuda->blas);
   cudaStreamDestroy(cuda->stream);
   *cuda = (ScCuda){0};
}
