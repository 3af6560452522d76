// What the host side keeps per device: streams and library handles, made when they are first needed.
#ifndef SCUTE_CUDA_CONTEXT_H
#define SCUTE_CUDA_CONTEXT_H

#include <cublas_v2.h>
#include <cudnn.h>

#include "kernels/cuda/cuda.h"

SC_C_BEGIN

typedef struct ScConvPlan ScConvPlan;
typedef struct ScConvPlans ScConvPlans;
typedef struct ScStaging ScStaging;

typedef struct {
   cudaStream_t stream; // NULL until the device is used
   int threads;         // that are resident at once
   cublasHandle_t blas;
   cudnnHandle_t dnn;
   ScBuffer *workspace;
   ScStaging *staging;
   ScConvPlans *plans;
} ScCuda;

// Of this device, which has been used (sc_cuda_use) before.
ScCuda *sc_cuda_context(const ScDevice *);

// The library's handle, on the device's stream. The device is made current.
ScStatus sc_cuda_blas(const ScDevice *, cublasHandle_t *out);
ScStatus sc_cuda_dnn(const ScDevice *, cudnnHandle_t *out);

// As sc_cuda_status, for the libraries.
ScStatus sc_cublas_status(cublasStatus_t, const char *what);
ScStatus sc_cudnn_status(cudnnStatus_t, const char *what);

// Gives up what can be made again.
void sc_cuda_flush(ScDevice *);
// Gives up everything that a device holds.
void sc_cuda_close(ScDevice *);

SC_C_END

#define SC_CUBLAS_TRY(expression, what) SC_TRY(sc_cublas_status((expression), (what)))
#define SC_CUDNN_TRY(expression, what)  SC_TRY(sc_cudnn_status((expression), (what)))

#endif
