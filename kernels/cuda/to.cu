// Conversion between any two dtypes. What happens in every step of training has its own kernel; the rest goes
// through f64, which holds all but the largest i64.
#include "host/ops/to.h"

#include "kernels/cuda/element.cuh"

namespace {

template <typename T, typename R> __global__ void to_convert(int64_t n, const T *x, R *y) {
   constexpr int N = ScWide<R>::N < ScWide<T>::N ? ScWide<R>::N : ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> from[N];
      ScMath<R> to[N];
      sc_get_some(x, i, n, from);
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = (ScMath<R>)from[k];
      sc_put_some(y, i, n, to);
   }
}

// Truncates, and ends at the ends of the range; a NaN becomes 0.
__device__ int64_t whole(double x) {
   if (x != x) return 0;
   if (x <= -0x1p63) return INT64_MIN;
   return x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

__device__ double get_any(ScDtype dtype, const void *p, int64_t i) {
   switch (dtype) {
   case SC_F32: return ((const float *)p)[i];
   case SC_F64: return ((const double *)p)[i];
   case SC_F16: return sc_widen(((const __half *)p)[i]);
   case SC_BF16: return sc_widen(((const __nv_bfloat16 *)p)[i]);
   case SC_I64: return (double)((const int64_t *)p)[i];
   default: return ((const uint8_t *)p)[i];
   }
}

__device__ void put_any(ScDtype dtype, void *p, int64_t i, double x) {
   switch (dtype) {
   case SC_F32: ((float *)p)[i] = (float)x; break;
   case SC_F64: ((double *)p)[i] = x; break;
   case SC_F16: ((__half *)p)[i] = sc_narrow<__half>((float)x); break;
   case SC_BF16: ((__nv_bfloat16 *)p)[i] = sc_narrow<__nv_bfloat16>((float)x); break;
   case SC_I64: ((int64_t *)p)[i] = whole(x); break;
   default: ((uint8_t *)p)[i] = sc_narrow<uint8_t>(whole(x));
   }
}

__global__ void to_convert_any(int64_t n, ScDtype from, const void *x, ScDtype to, void *y) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) put_any(to, y, i, get_any(from, x, i));
}

template <typename T, typename R> ScStatus launch(const ScCall *c) {
   int64_t n = sc_numel(c->in[0]);
   return sc_cuda_launch(c->device, "to", to_convert<T, R>, sc_cuda_grid(c->device, n / 4), SC_CUDA_BLOCK, 0, n,
                         sc_data<T>(c->in[0]), sc_data<R>(c->out[0]));
}

ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t n = sc_numel(x);
   if (x->dtype == y->dtype)
      return c->device->backend->copy(c->device, y->buffer->data, x->buffer->data, sc_nbytes(x));
   if (x->dtype == SC_F32 && y->dtype == SC_F16) return launch<float, __half>(c);
   if (x->dtype == SC_F32 && y->dtype == SC_BF16) return launch<float, __nv_bfloat16>(c);
   if (x->dtype == SC_F16 && y->dtype == SC_F32) return launch<__half, float>(c);
   if (x->dtype == SC_BF16 && y->dtype == SC_F32) return launch<__nv_bfloat16, float>(c);
   return sc_cuda_launch(c->device, "to", to_convert_any, sc_cuda_grid(c->device, n), SC_CUDA_BLOCK, 0, n,
                         x->dtype, (const void *)x->buffer->data, y->dtype, y->buffer->data);
}

} // namespace

SC_KERNEL(cuda, to, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
