// cuBLAS and cuDNN: their handles, made when they are first needed, and their statuses.
#ifndef SCUTE_CUDA_LIBRARIES_H
#define SCUTE_CUDA_LIBRARIES_H

#include <cublas_v2.h>
#include <cudnn.h>

#include "host/core/device.h"

// The library's handle, on the device's stream. The device is made current.
ScStatus sc_cuda_blas(const ScDevice *, cublasHandle_t *out);
ScStatus sc_cuda_dnn(const ScDevice *, cudnnHandle_t *out);
void sc_libraries_flush(const ScDevice *); // memory that they are lent
void sc_libraries_close(const ScDevice *);

// As sc_cuda_status, for the libraries.
ScStatus sc_cublas_status(cublasStatus_t, const char *what);
ScStatus sc_cudnn_status(cudnnStatus_t, const char *what);

#define SC_CUBLAS_TRY(expression, what) SC_TRY(sc_cublas_status((expression), (what)))
#define SC_CUDNN_TRY(expression, what)  SC_TRY(sc_cudnn_status((expression), (what)))

#endif
