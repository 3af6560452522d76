#include "kernels/cuda/gemm.h"

#include <limits.h>

#include "host/core/choices.h"
#include "kernels/cuda/libraries.h"

static cudaDataType_t data_type(ScDtype dtype) {
   switch (dtype) {
   case SC_F16: return CUDA_R_16F;
   case SC_BF16: return CUDA_R_16BF;
   case SC_F64: return CUDA_R_64F;
   default: return CUDA_R_32F;
   }
}

// Halves are multiplied exactly and summed in f32.
static cublasComputeType_t compute_type(const ScProduct *p) {
   if (p->dtype == SC_F64) return CUBLAS_COMPUTE_64F;
   bool rounds = p->dtype == SC_F32 && !p->exact && sc_choices()->tf32_products;
   return rounds ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

// cuBLAS counts in int. Fewer photos at a time are fewer rows, so that a batch is halved as where memory is
// short.
static ScStatus check_sizes(const ScProduct *p) {
   if (p->m <= INT_MAX && p->n <= INT_MAX && p->k <= INT_MAX && p->batch <= INT_MAX) return SC_OK;
   return sc_fail(SC_EMEM,
                  "%s: cuBLAS multiplies matrices of at most %d rows and columns, these are %lld x %lld and "
                  "%lld x %lld, %lld times; use a smaller --batch-size",
                  p->what, INT_MAX, (long long)p->m, (long long)p->k, (long long)p->k, (long long)p->n,
                  (long long)p->batch);
}

// cuBLAS takes matrices by columns, so it sees ours transposed: it is asked for b^T a^T, which it writes as
// c^T.
ScStatus sc_cuda_gemm(const ScDevice *device, const ScProduct *p, ScMatrix a, ScMatrix b, bool add, void *c) {
   static const float one = 1, zero = 0;
   static const double one64 = 1, zero64 = 0;
   const void *alpha = p->dtype == SC_F64 ? (const void *)&one64 : &one;
   const void *beta = p->dtype == SC_F64 ? (const void *)(add ? &one64 : &zero64) : add ? &one : &zero;
   cublasHandle_t blas;
   SC_TRY(check_sizes(p));
   SC_TRY(sc_cuda_blas(device, &blas));
   cublasOperation_t of_a = a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
   cublasOperation_t of_b = b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
   int m = (int)p->m, n = (int)p->n, k = (int)p->k, lda = a.transposed ? m : k, ldb = b.transposed ? k : n;
   cudaDataType_t type = data_type(p->dtype);
   cublasComputeType_t compute = compute_type(p);
   if (p->batch == 1)
      return sc_cublas_status(cublasGemmEx(blas, of_b, of_a, n, m, k, alpha, b.data, type, ldb, a.data, type,
                                           lda, beta, c, type, n, compute, CUBLAS_GEMM_DEFAULT),
                              p->what);
   return sc_cublas_status(cublasGemmStridedBatchedEx(blas, of_b, of_a, n, m, k, alpha, b.data, type, ldb,
                                                      b.stride, a.data, type, lda, a.stride, beta, c, type, n,
                                                      p->m * p->n, (int)p->batch, compute, CUBLAS_GEMM_DEFAULT),
                           p->what);
}
