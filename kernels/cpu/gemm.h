// Matrix products of row-major matrices, by oneDNN.
#ifndef SCUTE_CPU_GEMM_H
#define SCUTE_CPU_GEMM_H

#include "kernels/cpu/onednn.h"

typedef struct {
   const float *data;
   bool transposed; // stored as (columns, rows)
} ScMatrix;

// c (m, n) = a (m, k) times b (k, n), added to what c holds if `add`.
static inline ScStatus sc_gemm(int64_t m, int64_t n, int64_t k, ScMatrix a, ScMatrix b, bool add, float *c) {
   dnnl_status_t status = sc_dnnl.sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1, a.data,
                                        a.transposed ? m : k, b.data, b.transposed ? k : n, add ? 1 : 0, c, n);
   return status == dnnl_success ? SC_OK : sc_onednn_failed(status, "matrix product");
}

typedef struct {
   const void *data; // bf16
   bool transposed;
} ScHalfMatrix;

// c (m, n) = a (m, k) times b (k, n) plus bias (n), which may be NULL and is f32; summed up in f32.
ScStatus sc_gemm_half(ScDevice *, int64_t m, int64_t n, int64_t k, ScHalfMatrix a, ScHalfMatrix b,
                      const float *bias, void *c);

#endif
