// Elements of every dtype: the type in which kernels compute with them, and how they are read and written,
// alone and sixteen bytes at a time.
#ifndef SCUTE_CUDA_ELEMENT_CUH
#define SCUTE_CUDA_ELEMENT_CUH

#include <string.h>

#include <type_traits>

#include "kernels/cuda/launch.cuh"

// Halves compute in f32, whole numbers in i64.
template <typename T> struct ScMathOf { typedef float type; };
template <> struct ScMathOf<double> { typedef double type; };
template <> struct ScMathOf<int64_t> { typedef int64_t type; };
template <> struct ScMathOf<uint8_t> { typedef int64_t type; };
template <typename T> using ScMath = typename ScMathOf<T>::type;

__device__ inline float sc_widen(float x) {
   return x;
}
__device__ inline double sc_widen(double x) {
   return x;
}
__device__ inline float sc_widen(__half x) {
   return __half2float(x);
}
__device__ inline float sc_widen(__nv_bfloat16 x) {
   return __bfloat162float(x);
}
__device__ inline int64_t sc_widen(int64_t x) {
   return x;
}
__device__ inline int64_t sc_widen(uint8_t x) {
   return x;
}

// Rounds to nearest even; what does not fit into a u8 ends at its ends.
template <typename T> __device__ inline T sc_narrow(ScMath<T> x) {
   return (T)x;
}
template <> __device__ inline __half sc_narrow<__half>(float x) {
   return __float2half_rn(x);
}
template <> __device__ inline __nv_bfloat16 sc_narrow<__nv_bfloat16>(float x) {
   return __float2bfloat16_rn(x);
}
template <> __device__ inline uint8_t sc_narrow<uint8_t>(int64_t x) {
   return (uint8_t)(x > 0 ? x < 255 ? x : 255 : 0);
}

// ---- several at a time ----

template <typename T, int N> struct alignas(sizeof(T) * N) ScVector { T v[N]; };

// How many elements are sixteen bytes.
template <typename T> struct ScWide { static constexpr int N = 16 / (int)sizeof(T); };

template <typename T, int N>
__device__ inline void sc_widen_vector(const ScVector<T, N> &x, ScMath<T> (&to)[N]) {
#pragma unroll
   for (int k = 0; k < N; k++) to[k] = sc_widen(x.v[k]);
}

// N elements as words, whatever they are.
template <typename T, int N> using ScBits = ScVector<uint32_t, N *(int)sizeof(T) / 4>;

template <typename T, int N> __device__ inline void sc_widen_bits(const ScBits<T, N> &x, ScMath<T> (&to)[N]) {
   if constexpr (std::is_same<T, __nv_bfloat16>::value) { // one instruction each
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = __uint_as_float(k % 2 ? x.v[k / 2] & 0xffff0000 : x.v[k / 2] << 16);
   } else {
      ScVector<T, N> elements;
      memcpy(&elements, &x, sizeof x);
      sc_widen_vector(elements, to);
   }
}

// CUDA's own vector of so many bytes: nvcc makes one load or store of it, of a structure not always.
template <int BYTES> struct ScWordOf { typedef void type; };
template <> struct ScWordOf<8> { typedef uint2 type; };
template <> struct ScWordOf<16> { typedef uint4 type; };
template <typename T, int N> using ScWord = typename ScWordOf<N *(int)sizeof(T)>::type;

// Elements at..at+N-1, which lie inside; `at` is a multiple of N and p begins a buffer.
template <typename T, int N> __device__ inline void sc_get_vector(const T *p, int64_t at, ScMath<T> (&to)[N]) {
   if constexpr (std::is_void<ScWord<T, N>>::value) {
      sc_widen_vector(*(const ScVector<T, N> *)(p + at), to);
   } else {
      ScWord<T, N> word = *(const ScWord<T, N> *)(p + at);
      ScBits<T, N> bits;
      memcpy(&bits, &word, sizeof word);
      sc_widen_bits<T>(bits, to);
   }
}

template <typename T, int N>
__device__ inline void sc_put_vector(T *p, int64_t at, const ScMath<T> (&from)[N]) {
   ScVector<T, N> x;
#pragma unroll
   for (int k = 0; k < N; k++) x.v[k] = sc_narrow<T>(from[k]);
   if constexpr (std::is_void<ScWord<T, N>>::value) {
      *(ScVector<T, N> *)(p + at) = x;
   } else {
      ScWord<T, N> word;
      memcpy(&word, &x, sizeof word);
      *(ScWord<T, N> *)(p + at) = word;
   }
}

// The same where the last ones may lie beyond n: those are 0 and are not written.
template <typename T, int N>
__device__ inline void sc_get_some(const T *p, int64_t at, int64_t n, ScMath<T> (&to)[N]) {
   if (at + N <= n) return sc_get_vector(p, at, to);
#pragma unroll
   for (int k = 0; k < N; k++) to[k] = at + k < n ? sc_widen(p[at + k]) : 0;
}

template <typename T, int N>
__device__ inline void sc_put_some(T *p, int64_t at, int64_t n, const ScMath<T> (&from)[N]) {
   if (at + N <= n) return sc_put_vector(p, at, from);
#pragma unroll
   for (int k = 0; k < N; k++)
      if (at + k < n) p[at + k] = sc_narrow<T>(from[k]);
}

// This thread's number in the grid, and how many there are.
__device__ inline int64_t sc_thread(void) {
   return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}
__device__ inline int64_t sc_threads(void) {
   return (int64_t)gridDim.x * blockDim.x;
}

// The channel of element `at` of n, channels last; 32-bit division is many times faster.
__device__ inline int64_t sc_channel_of(int64_t at, int64_t n, int64_t channels) {
   return n <= INT32_MAX ? (int64_t)((uint32_t)at % (uint32_t)channels) : at % channels;
}

// ---- from a dtype to a type ----

// Calls f with a value of the type that `dtype` has here.
template <typename F> ScStatus sc_with_float(ScDtype dtype, F f) {
   switch (dtype) {
   case SC_F32: return f(float());
   case SC_F64: return f(double());
   case SC_F16: return f(__half());
   case SC_BF16: return f(__nv_bfloat16());
   default: return sc_fail(SC_EUNSUPPORTED, "no kernel for %s", sc_dtype_name(dtype));
   }
}

template <typename F> ScStatus sc_with_number(ScDtype dtype, F f) {
   if (dtype == SC_I64) return f(int64_t());
   if (dtype == SC_U8) return f(uint8_t());
   return sc_with_float(dtype, f);
}

// The same for ops that only move elements: an unsigned type of the dtype's size.
template <typename F> ScStatus sc_with_size(ScDtype dtype, F f) {
   switch (sc_dtype_size(dtype)) {
   case 1: return f(uint8_t());
   case 2: return f(uint16_t());
   case 4: return f(uint32_t());
   default: return f(uint64_t());
   }
}

enum { SC_CUDA_FLOATS = 1u << SC_F32 | 1u << SC_F64 | 1u << SC_F16 | 1u << SC_BF16 };

// A tensor's elements; NULL where it is absent or has no values.
template <typename T> T *sc_data(const ScTensor *t) {
   return t && t->buffer ? (T *)t->buffer->data : nullptr;
}

#endif
