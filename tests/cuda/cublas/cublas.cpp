// cuBLAS: handles and matrix products. Matrices are column-major; refusals are those of the documentation.
#include <cublas_v2.h>
#include <cstring>
#include <memory>
#include <vector>
#include "../core.h"
#include "../numeric.h"

namespace sg {

namespace {

struct Handle {
   cudaStream_t stream = nullptr;
   cublasMath_t math = CUBLAS_DEFAULT_MATH;
   cublasPointerMode_t pointers = CUBLAS_POINTER_MODE_HOST;
   cublasAtomicsMode_t atomics = CUBLAS_ATOMICS_NOT_ALLOWED;
   void *workspace = nullptr;
   size_t workspace_bytes = 0;
   int device = 0;
};

struct BlasCall : Call {
   explicit BlasCall(const char *name) : Call(name, Library::cublas) {}
   cublasStatus_t done(cublasStatus_t own = CUBLAS_STATUS_SUCCESS) const {
      return refused() ? cublasStatus_t(refused()) : own;
   }
};

#define BLAS_CALL(name)                                                                                        \
   BlasCall call(name);                                                                                        \
   if (call.refused()) return call.done()

std::shared_ptr<Handle> handle_of(cublasHandle_t handle, const char *name) {
   auto h = find<Handle>("cublas handle", handle);
   if (!h) violation("%s: the handle is not live (%s)", name, object_state(handle));
   return h;
}

// A function that is given a live handle, h.
#define HANDLE_CALL(name)                                                                                      \
   BLAS_CALL(name);                                                                                            \
   auto h = handle_of(handle, name);                                                                           \
   if (!h) return call.done(CUBLAS_STATUS_NOT_INITIALIZED)

struct Matrix {
   const void *data;
   Type type;
   size_t rows, columns, ld;
   long long stride;
   bool transposed;
   size_t bytes(size_t batch) const {
      size_t one = rows && columns ? (columns - 1) * ld + rows : 0;
      return (one + size_t(stride) * (batch - 1)) * size_of(type);
   }
   const char *at(size_t batch) const {
      return static_cast<const char *>(data) + size_t(stride) * batch * size_of(type);
   }
};

struct Product {
   size_t m, n, k, batch;
   Matrix a, b, c;
   double alpha, beta;
   bool in_double, tf32;
   std::shared_ptr<Handle> handle;
   void *workspace;
   size_t workspace_bytes;
};

// Element (i, j) of `x` as it is stored goes to [j * rows + i], or, with `flip`, to [i * columns + j].
template <class T> std::vector<T> load(const Matrix &x, size_t batch, bool flip) {
   std::vector<T> out(x.rows * x.columns);
   std::vector<float> column(x.rows);
   for (size_t j = 0; j < x.columns; j++) {
      const char *from = x.at(batch) + j * x.ld * size_of(x.type);
      if constexpr (std::is_same_v<T, float>) to_float(column.data(), from, x.type, x.rows);
      for (size_t i = 0; i < x.rows; i++) {
         T value = std::is_same_v<T, double> ? T(reinterpret_cast<const double *>(from)[i]) : T(column[i]);
         out[flip ? i * x.columns + j : j * x.rows + i] = value;
      }
   }
   return out;
}

template <class T> void store(const Product &p, size_t batch, const std::vector<T> &sum) {
   std::vector<float> column(p.m);
   for (size_t j = 0; j < p.n; j++) {
      char *to = const_cast<char *>(p.c.at(batch)) + j * p.c.ld * size_of(p.c.type);
      if constexpr (std::is_same_v<T, double>) {
         auto y = reinterpret_cast<double *>(to);
         for (size_t i = 0; i < p.m; i++) y[i] = p.alpha * sum[j * p.m + i] + (p.beta != 0 ? p.beta * y[i] : 0);
      } else {
         if (p.beta != 0) to_float(column.data(), to, p.c.type, p.m);
         const float alpha = float(p.alpha), beta = float(p.beta);
         for (size_t i = 0; i < p.m; i++)
            column[i] = alpha * sum[j * p.m + i] + (beta != 0 ? beta * column[i] : 0);
         from_float(to, p.c.type, column.data(), p.m);
      }
   }
}

template <class T> void compute(const Product &p) {
   for (size_t batch = 0; batch < p.batch; batch++) {
      std::vector<T> a = load<T>(p.a, batch, p.a.transposed), b = load<T>(p.b, batch, p.b.transposed);
      if constexpr (std::is_same_v<T, float>) {
         if (p.tf32) round_to_tf32(a.data(), a.size()), round_to_tf32(b.data(), b.size());
      }
      std::vector<T> sum(p.m * p.n);
      if (p.k > 0) multiply<T>(p.m, p.n, p.k, a.data(), p.m, b.data(), p.k, sum.data(), p.m);
      store(p, batch, sum);
   }
}

cudaError_t run(const Product &p) {
   if (p.workspace) {
      if (!device_range(p.workspace, p.workspace_bytes)) {
         violation("cuBLAS: its workspace was freed while the handle uses it");
         return cudaErrorIllegalAddress;
      }
      memset(p.workspace, 0xff, p.workspace_bytes);
   }
   for (const Matrix *x : {&p.a, &p.b, &p.c}) memory_touch(x->data);
   if (p.in_double)
      compute<double>(p);
   else
      compute<float>(p);
   return cudaSuccess;
}

bool type_of(cudaDataType type, Type *out) {
   switch (type) {
   case CUDA_R_32F: *out = Type::f32; return true;
   case CUDA_R_64F: *out = Type::f64; return true;
   case CUDA_R_16F: *out = Type::f16; return true;
   case CUDA_R_16BF: *out = Type::bf16; return true;
   default: return false;
   }
}

// Rows of the table in the documentation of cublasGemmEx that have these types.
bool supported(Type a, Type b, Type c, cublasComputeType_t how) {
   if (a != b) return false;
   switch (how) {
   case CUBLAS_COMPUTE_64F:
   case CUBLAS_COMPUTE_64F_PEDANTIC: return a == Type::f64 && c == Type::f64;
   case CUBLAS_COMPUTE_32F:
   case CUBLAS_COMPUTE_32F_PEDANTIC: return a != Type::f64 && (c == a || c == Type::f32);
   case CUBLAS_COMPUTE_32F_FAST_16F:
   case CUBLAS_COMPUTE_32F_FAST_16BF:
   case CUBLAS_COMPUTE_32F_FAST_TF32: return a == Type::f32 && c == Type::f32;
   default: return false;
   }
}

bool is_operation(cublasOperation_t t) {
   return t == CUBLAS_OP_N || t == CUBLAS_OP_T || t == CUBLAS_OP_C;
}

bool read_scalars(const Handle &h, Product &p, const void *alpha, const void *beta) {
   if (h.pointers != CUBLAS_POINTER_MODE_HOST) return false;
   if (in_arena(alpha) || in_arena(beta)) {
      violation("cuBLAS: alpha or beta is device memory, but the pointer mode of the handle is host");
      return false;
   }
   p.alpha = p.in_double ? *static_cast<const double *>(alpha) : *static_cast<const float *>(alpha);
   p.beta = p.in_double ? *static_cast<const double *>(beta) : *static_cast<const float *>(beta);
   return true;
}

bool memory_ok(const char *name, const Product &p) {
   bool ok = usable(name, "C", p.c.data, p.c.bytes(p.batch), size_of(p.c.type));
   if (p.k > 0) {
      ok &= usable(name, "A", p.a.data, p.a.bytes(p.batch), size_of(p.a.type));
      ok &= usable(name, "B", p.b.data, p.b.bytes(p.batch), size_of(p.b.type));
      if (overlapping(p.a.data, p.a.bytes(p.batch), p.c.data, p.c.bytes(p.batch)) ||
          overlapping(p.b.data, p.b.bytes(p.batch), p.c.data, p.c.bytes(p.batch)))
         violation("%s: C overlaps A or B", name);
   }
   return ok;
}

struct Arguments {
   cublasOperation_t ta, tb;
   int m, n, k;
   const void *alpha, *a;
   cudaDataType a_type;
   int lda;
   long long stride_a;
   const void *b;
   cudaDataType b_type;
   int ldb;
   long long stride_b;
   const void *beta;
   void *c;
   cudaDataType c_type;
   int ldc;
   long long stride_c;
   int batch;
   cublasComputeType_t how;
};

cublasStatus_t product(const BlasCall &call, cublasHandle_t handle, const Arguments &g) {
   auto h = handle_of(handle, call.name());
   if (!h) return CUBLAS_STATUS_NOT_INITIALIZED;
   if (!is_operation(g.ta) || !is_operation(g.tb) || g.m < 0 || g.n < 0 || g.k < 0 || g.batch < 0)
      return CUBLAS_STATUS_INVALID_VALUE;
   const bool ta = g.ta != CUBLAS_OP_N, tb = g.tb != CUBLAS_OP_N;
   if (g.lda < std::max(1, ta ? g.k : g.m) || g.ldb < std::max(1, tb ? g.n : g.k) || g.ldc < std::max(1, g.m))
      return CUBLAS_STATUS_INVALID_VALUE;
   if (!g.alpha || !g.beta) return CUBLAS_STATUS_INVALID_VALUE;
   Type a, b, c;
   if (!type_of(g.a_type, &a) || !type_of(g.b_type, &b) || !type_of(g.c_type, &c) || !supported(a, b, c, g.how))
      return CUBLAS_STATUS_NOT_SUPPORTED;
   if (a == Type::bf16 && atoi(environment("SOFTGPU_ARCH", "80")) < 80) return CUBLAS_STATUS_ARCH_MISMATCH;
   if (g.m == 0 || g.n == 0 || g.batch == 0) return CUBLAS_STATUS_SUCCESS;
   size_t m = size_t(g.m), n = size_t(g.n), k = size_t(g.k);
   Product p = {
       m, n, k, size_t(g.batch), {}, {}, {}, 0, 0, a == Type::f64, false, h, h->workspace, h->workspace_bytes};
   p.a = {g.a, a, ta ? k : m, ta ? m : k, size_t(g.lda), g.stride_a, ta};
   // multiply() wants b with k contiguous, which is how an untransposed B lies.
   p.b = {g.b, b, tb ? n : k, tb ? k : n, size_t(g.ldb), g.stride_b, tb};
   p.c = {g.c, c, m, n, size_t(g.ldc), g.stride_c, false};
   p.tf32 = a == Type::f32 && atoi(environment("SOFTGPU_ARCH", "80")) >= 80 &&
            (g.how == CUBLAS_COMPUTE_32F_FAST_TF32 ||
             (g.how == CUBLAS_COMPUTE_32F && (h->math & 0xf) == CUBLAS_TF32_TENSOR_OP_MATH));
   if (!read_scalars(*h, p, g.alpha, g.beta)) return CUBLAS_STATUS_INVALID_VALUE;
   if (g.batch > 1 && g.stride_c < (long long)((n - 1) * p.c.ld + m))
      violation("%s: the matrices C of the batch overlap", call.name());
   if (h->device != current_device())
      violation("%s: the handle belongs to another device than the current one", call.name());
   if (!h->workspace && stream_captures(h->stream))
      violation("%s: captured without a workspace of the caller's, so that the graph would allocate one",
                call.name());
   bool ok = memory_ok(call.name(), p);
   cudaError_t error =
       enqueue(h->stream, call.name(), [p, ok] { return ok ? run(p) : cudaErrorIllegalAddress; });
   return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

struct StatusName {
   cublasStatus_t status;
   const char *name, *text;
};

const StatusName statuses[] = {
    {CUBLAS_STATUS_SUCCESS, "CUBLAS_STATUS_SUCCESS", "success"},
    {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED", "the library was not initialized"},
    {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED", "the resource allocation failed"},
    {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE",
     "an unsupported value or parameter was passed to the function"},
    {CUBLAS_STATUS_ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH",
     "the function requires a feature absent from the device architecture"},
    {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED",
     "the function failed to launch on the GPU"},
    {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR", "an internal operation failed"},
    {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED",
     "the functionality requested is not supported"},
};

const StatusName &status_name(cublasStatus_t status) {
   static const StatusName unknown = {status, "unrecognized error code", "unrecognized error code"};
   for (auto &s : statuses)
      if (s.status == status) return s;
   return unknown;
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t *out) {
   BLAS_CALL("cublasCreate");
   if (!out) return call.done(CUBLAS_STATUS_INVALID_VALUE);
   if (device_count() == 0 || capture_allows_unsafe()) return call.done(CUBLAS_STATUS_NOT_INITIALIZED);
   auto h = std::make_shared<Handle>();
   h->device = current_device();
   *out = static_cast<cublasHandle_t>(object_add("cublas handle", h));
   return call.done();
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
   BlasCall call("cublasDestroy");
   if (!handle_of(handle, "cublasDestroy")) return call.done(CUBLAS_STATUS_NOT_INITIALIZED);
   call.waits();
   run_everything(current_device()); // "this function usually … implicitly calls cudaDeviceSynchronize"
   object_remove("cublas handle", handle);
   return call.done();
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t, int *version) {
   BLAS_CALL("cublasGetVersion");
   if (!version) return call.done(CUBLAS_STATUS_INVALID_VALUE);
   *version = CUBLAS_VERSION;
   return call.done();
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
   HANDLE_CALL("cublasSetStream");
   if (!stream_live(stream)) violation("cublasSetStream: the stream is not live (%s)", object_state(stream));
   h->stream = stream;
   h->workspace =
       nullptr; // "unconditionally resets the cuBLAS library workspace back to the default workspace pool"
   h->workspace_bytes = 0;
   return call.done();
}

cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t *stream) {
   HANDLE_CALL("cublasGetStream");
   *stream = h->stream;
   return call.done();
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes) {
   HANDLE_CALL("cublasSetWorkspace");
   if (uintptr_t(workspace) % 256 != 0) return call.done(CUBLAS_STATUS_INVALID_VALUE);
   if (workspace && !usable("cublasSetWorkspace", "the workspace", workspace, bytes, 256))
      return call.done(CUBLAS_STATUS_INVALID_VALUE);
   h->workspace = workspace;
   h->workspace_bytes = bytes;
   return call.done();
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
   HANDLE_CALL("cublasSetMathMode");
   if ((mode & 0xf) > CUBLAS_FP64_EMULATED_FIXEDPOINT_MATH) return call.done(CUBLAS_STATUS_INVALID_VALUE);
   h->math = mode;
   return call.done();
}

cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode) {
   HANDLE_CALL("cublasGetMathMode");
   *mode = h->math;
   return call.done();
}

cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
   HANDLE_CALL("cublasSetPointerMode");
   h->pointers = mode;
   return call.done();
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode) {
   HANDLE_CALL("cublasSetAtomicsMode");
   h->atomics = mode;
   return call.done();
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                              int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
                              const float *beta, float *c, int ldc) {
   BLAS_CALL("cublasSgemm");
   return call.done(product(
       call, handle, {ta, tb,   m, n,          k,   alpha, a, CUDA_R_32F,        lda, 0, b, CUDA_R_32F, ldb,
                      0,  beta, c, CUDA_R_32F, ldc, 0,     1, CUBLAS_COMPUTE_32F}));
}

cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                              int k, const double *alpha, const double *a, int lda, const double *b, int ldb,
                              const double *beta, double *c, int ldc) {
   BLAS_CALL("cublasDgemm");
   return call.done(product(
       call, handle, {ta, tb,   m, n,          k,   alpha, a, CUDA_R_64F,        lda, 0, b, CUDA_R_64F, ldb,
                      0,  beta, c, CUDA_R_64F, ldc, 0,     1, CUBLAS_COMPUTE_64F}));
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n,
                            int k, const void *alpha, const void *a, cudaDataType a_type, int lda,
                            const void *b, cudaDataType b_type, int ldb, const void *beta, void *c,
                            cudaDataType c_type, int ldc, cublasComputeType_t how, cublasGemmAlgo_t) {
   BLAS_CALL("cublasGemmEx");
   return call.done(product(call, handle, {ta,     tb,  m, n,    k, alpha,  a,   a_type, lda, 0,  b,
                                           b_type, ldb, 0, beta, c, c_type, ldc, 0,      1,   how}));
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                          int m, int n, int k, const void *alpha, const void *a,
                                          cudaDataType a_type, int lda, long long stride_a, const void *b,
                                          cudaDataType b_type, int ldb, long long stride_b, const void *beta,
                                          void *c, cudaDataType c_type, int ldc, long long stride_c, int batch,
                                          cublasComputeType_t how, cublasGemmAlgo_t) {
   BLAS_CALL("cublasGemmStridedBatchedEx");
   return call.done(
       product(call, handle, {ta,     tb,  m,        n,    k, alpha,  a,   a_type,   lda,   stride_a, b,
                              b_type, ldb, stride_b, beta, c, c_type, ldc, stride_c, batch, how}));
}

const char *cublasGetStatusName(cublasStatus_t status) {
   return status_name(status).name;
}
const char *cublasGetStatusString(cublasStatus_t status) {
   return status_name(status).text;
}
}
