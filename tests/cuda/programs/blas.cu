// cuBLAS: products against plain loops, and broken callers.
#include "check.h"
#include <cublas_v2.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

static cublasHandle_t new_handle() {
   cublasHandle_t h = nullptr;
   OK(cublasCreate(&h));
   return h;
}

// Element (i, j) of op(X), column-major.
static float at(const std::vector<float> &x, bool transposed, int ld, int i, int j) {
   return transposed ? x[size_t(i * ld + j)] : x[size_t(j * ld + i)];
}

template <class T> static std::vector<float> rounded(const std::vector<float> &x, std::vector<T> &stored) {
   std::vector<float> back;
   for (float v : x) stored.push_back(T(v)), back.push_back(float(stored.back()));
   return back;
}

template <class T> static T *put(const std::vector<T> &x) {
   T *d = nullptr;
   OK(cudaMalloc(&d, x.size() * sizeof(T)));
   OK(cudaMemcpy(d, x.data(), x.size() * sizeof(T), cudaMemcpyHostToDevice));
   return d;
}

// C := 0.5 op(A) op(B) + beta C for all transpositions, with room to spare in the leading dimensions.
template <class T> static void products(cudaDataType type, float tolerance) {
   const int m = 5, n = 7, k = 9, lda = 11, ldb = 12, ldc = 6;
   cublasHandle_t h = new_handle();
   for (int way = 0; way < 8; way++) {
      bool ta = way & 1, tb = way & 2;
      float alpha = 0.5f, beta = way & 4 ? 2.0f : 0.0f;
      std::vector<T> sa, sb, sc;
      std::vector<float> a = rounded(numbers(size_t(lda * 11), 1), sa),
                         b = rounded(numbers(size_t(ldb * 11), 2), sb);
      std::vector<float> c = rounded(numbers(size_t(ldc * n), 3), sc);
      if (beta == 0) sc.assign(sc.size(), T(NAN)); // C is not read then
      T *da = put(sa), *db = put(sb), *dc = put(sc);
      OK(cublasGemmEx(h, ta ? CUBLAS_OP_T : CUBLAS_OP_N, tb ? CUBLAS_OP_T : CUBLAS_OP_N, m, n, k, &alpha, da,
                      type, lda, db, type, ldb, &beta, dc, type, ldc, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
      OK(cudaMemcpy(sc.data(), dc, sc.size() * sizeof(T), cudaMemcpyDeviceToHost));
      for (int j = 0; j < n; j++)
         for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int p = 0; p < k; p++) sum += double(at(a, ta, lda, i, p)) * double(at(b, tb, ldb, p, j));
            double expected = alpha * sum + (beta != 0 ? beta * double(c[size_t(j * ldc + i)]) : 0);
            EXPECT(fabs(double(float(sc[size_t(j * ldc + i)])) - expected) <= tolerance);
         }
      for (void *d : {(void *)da, (void *)db, (void *)dc}) OK(cudaFree(d));
   }
   OK(cublasDestroy(h));
   EXPECT_EQ(softgpu_live(nullptr), 0);
   EXPECT_EQ(softgpu_violations(), 0);
}

// Results are below 32: float keeps 24 bits, half 11, bfloat16 8 of them.
CASE(products_of_floats) {
   products<float>(CUDA_R_32F, 1e-5f);
}
CASE(products_of_halves) {
   products<__half>(CUDA_R_16F, 32.0f / 2048);
}
CASE(products_of_bfloats) {
   products<__nv_bfloat16>(CUDA_R_16BF, 32.0f / 256);
}

CASE(products_of_a_batch) {
   const int m = 3, n = 4, k = 5, batch = 3;
   std::vector<float> a = numbers(size_t(m * k * batch), 1), b = numbers(size_t(k * n), 2);
   float *da = put(a), *db = put(b), *dc, one = 1, zero = 0;
   OK(cudaMalloc(&dc, size_t(m * n * batch) * 4));
   OK(cublasGemmStridedBatchedEx(new_handle(), CUBLAS_OP_N, CUBLAS_OP_N, m, n, k, &one, da, CUDA_R_32F, m,
                                 m * k, db, CUDA_R_32F, k, 0, &zero, dc, CUDA_R_32F, m, m * n, batch,
                                 CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
   std::vector<float> c = download(dc, size_t(m * n * batch));
   for (int x = 0; x < batch; x++)
      for (int j = 0; j < n; j++)
         for (int i = 0; i < m; i++) {
            float sum = 0;
            for (int p = 0; p < k; p++) sum += a[size_t(x * m * k + p * m + i)] * b[size_t(j * k + p)];
            EXPECT(fabsf(c[size_t(x * m * n + j * m + i)] - sum) <= 1e-5f);
         }
}

// Where TF32 is allowed it is used: 1 + 2^-12 has more bits than it keeps.
CASE(tf32_only_where_allowed) {
   cublasHandle_t h = new_handle();
   float fine = 1.0f + 1.0f / 4096, one = 1, zero = 0, *a = put<float>({fine}), *b = put<float>({1}),
         *c = put<float>({0});
   OK(cublasSgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &zero, c, 1));
   EXPECT(download(c, 1)[0] == fine);
   OK(cublasSetMathMode(h, CUBLAS_TF32_TENSOR_OP_MATH));
   OK(cublasSgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, 1, 1, 1, &one, a, 1, b, 1, &zero, c, 1));
   EXPECT(download(c, 1)[0] == 1.0f);
}

// ---- broken callers ----

struct Small { // a product of 4 x 4 matrices of floats that works
   cublasHandle_t h = new_handle();
   float one = 1, zero = 0;
   float *a = put(numbers(16, 1)), *b = put(numbers(16, 2)), *c = put(numbers(16, 3));
   cublasStatus_t run(int m = 4, int lda = 4) { return run_on(a, m, lda); }
   cublasStatus_t run_on(const float *x, int m = 4, int lda = 4) {
      return cublasSgemm(h, CUBLAS_OP_N, CUBLAS_OP_N, m, 4, 4, &one, x, lda, b, 4, &zero, c, m);
   }
};

CASE(the_small_product_works) {
   Small s;
   OK(s.run());
   OK(cudaDeviceSynchronize());
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(short_leading_dimension) {
   EXPECT_EQ(Small().run(4, 3), CUBLAS_STATUS_INVALID_VALUE);
}
CASE(negative_size) {
   EXPECT_EQ(Small().run(-1), CUBLAS_STATUS_INVALID_VALUE);
}

CASE(matrix_too_small) {
   Small s;
   OK(s.run(4, 5)); // needs 19 elements of 16
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("A needs 76 bytes");
   EXPECT_EQ(s.run(), CUBLAS_STATUS_EXECUTION_FAILED);
}

CASE(matrix_in_host_memory) {
   static float x[16];
   OK(Small().run_on(x));
   EXPECT_VIOLATION("host memory");
}

CASE(matrix_freed) {
   Small s;
   OK(cudaFree(s.a));
   s.run();
   EXPECT_VIOLATION("freed");
}

CASE(misaligned_matrix) {
   Small s;
   s.run_on(reinterpret_cast<const float *>(reinterpret_cast<const char *>(s.a) + 2), 1, 1);
   EXPECT_VIOLATION("not aligned to 4 bytes");
}

CASE(result_over_an_argument) {
   Small s;
   OK(s.run_on(s.c));
   EXPECT_VIOLATION("C overlaps");
}

CASE(destroyed_handle) {
   Small s;
   OK(cublasDestroy(s.h));
   EXPECT_EQ(s.run(), CUBLAS_STATUS_NOT_INITIALIZED);
   EXPECT_VIOLATION("destroyed cublas handle");
   EXPECT_EQ(cublasDestroy(s.h), CUBLAS_STATUS_NOT_INITIALIZED);
}

CASE(unsupported_types) {
   Small s;
   EXPECT_EQ(cublasGemmEx(s.h, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &s.one, s.a, CUDA_R_32F, 4, s.b, CUDA_R_16F,
                          4, &s.zero, s.c, CUDA_R_32F, 4, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
             CUBLAS_STATUS_NOT_SUPPORTED);
   EXPECT_EQ(cublasGemmEx(s.h, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &s.one, s.a, CUDA_R_16F, 4, s.b, CUDA_R_16F,
                          4, &s.zero, s.c, CUDA_R_16F, 4, CUBLAS_COMPUTE_64F, CUBLAS_GEMM_DEFAULT),
             CUBLAS_STATUS_NOT_SUPPORTED);
}

CASE(misaligned_workspace) {
   Small s;
   char *w;
   OK(cudaMalloc(&w, 4096));
   EXPECT_EQ(cublasSetWorkspace(s.h, w + 16, 1024), CUBLAS_STATUS_INVALID_VALUE);
   EXPECT_EQ(cublasSetWorkspace(s.h, w, 8192), CUBLAS_STATUS_INVALID_VALUE);
   OK(cublasSetWorkspace(s.h, w, 4096));
}

CASE(workspace_freed_while_in_use) {
   Small s;
   char *w;
   OK(cudaMalloc(&w, 4096));
   OK(cublasSetWorkspace(s.h, w, 4096));
   OK(cudaFree(w));
   s.run();
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("workspace was freed");
}

static cudaStream_t begin_capture(cublasHandle_t h) {
   cudaStream_t stream;
   OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
   OK(cublasSetStream(h, stream));
   OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
   return stream;
}

CASE(captured_without_a_workspace) {
   Small s;
   begin_capture(s.h);
   OK(s.run());
   EXPECT_VIOLATION("captured without a workspace");
}

CASE(captured_with_one) {
   Small s;
   char *w;
   cudaGraph_t graph;
   OK(cudaMalloc(&w, 4096));
   cudaStream_t stream = begin_capture(s.h);
   OK(cublasSetWorkspace(s.h, w, 4096));
   OK(s.run());
   OK(cudaStreamEndCapture(stream, &graph));
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(started_in_a_capture) {
   Small s;
   cublasHandle_t h;
   cudaGraph_t graph;
   cudaStream_t stream = begin_capture(s.h);
   EXPECT_EQ(cublasCreate(&h), CUBLAS_STATUS_NOT_INITIALIZED);
   EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
}

CASE(scalars_on_the_device) {
   Small s;
   EXPECT_EQ(cublasSgemm(s.h, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, s.c, s.a, 4, s.b, 4, &s.zero, s.c, 4),
             CUBLAS_STATUS_INVALID_VALUE);
   EXPECT_VIOLATION("pointer mode");
}

// The product runs on the stream of its handle, not on the one that the caller waits for.
CASE(handle_without_its_stream) {
   Small s;
   cudaStream_t mine;
   OK(cudaStreamCreateWithFlags(&mine, cudaStreamNonBlocking));
   OK(cudaDeviceSynchronize());
   OK(s.run());
   float *p;
   OK(cudaMallocHost(&p, 64));
   OK(cudaMemcpyAsync(p, s.c, 64, cudaMemcpyDeviceToHost, mine));
   OK(cudaStreamSynchronize(mine));
   EXPECT(p[0] == numbers(16, 3)[0] && p[0] != download(s.c, 1)[0]);
}

MAIN
