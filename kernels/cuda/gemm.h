// Matrix products of row-major matrices, by cuBLAS.
#ifndef SCUTE_CUDA_GEMM_H
#define SCUTE_CUDA_GEMM_H

#include "host/core/device.h"

SC_C_BEGIN

typedef struct {
   const void *data;
   bool transposed; // stored as (columns, rows)
   int64_t stride;  // elements from one matrix of a batch to the next
} ScMatrix;

typedef struct {
   const char *what; // the op, for messages
   ScDtype dtype;    // of all matrices
   int64_t m, n, k;
   int64_t batch;
   bool exact; // float32 is not rounded to TF32, whatever was chosen
} ScProduct;

// c (m, n) = a (m, k) times b (k, n), added to what c holds if `add`; for each of a batch.
ScStatus sc_cuda_gemm(const ScDevice *, const ScProduct *, ScMatrix a, ScMatrix b, bool add, void *c);

SC_C_END

#endif
