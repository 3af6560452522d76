// Device functions that the C library does not have. Of the fast ones __expf and __fdividef are as far off as
// CUDA's documentation allows; the others are computed exactly.
// Products and sums that end in _rn are calls, which no compiler fuses.
#ifndef SOFTGPU_MATH_H
#define SOFTGPU_MATH_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

using std::isfinite;
using std::isinf;
using std::isnan;
using std::signbit;

inline float rsqrtf(float x) {
   return 1.0f / sqrtf(x);
}
inline double rsqrt(double x) {
   return 1.0 / sqrt(x);
}
inline float rcbrtf(float x) {
   return 1.0f / cbrtf(x);
}
inline float sinpif(float x) {
   return float(sin(x * M_PI));
}
inline float cospif(float x) {
   return float(cos(x * M_PI));
}
inline void sincospif(float x, float *s, float *c) {
   *s = sinpif(x), *c = cospif(x);
}
inline float normcdff(float x) {
   return 0.5f * erfcf(-x * float(M_SQRT1_2));
}
namespace softgpu {

// y, wrong by `units` in the last place, up or down as the bits of y have it.
inline float off_by(double y, double units) {
   float near = float(y);
   uint32_t bits;
   memcpy(&bits, &near, sizeof bits);
   double off = units * 0x1p-24; // of y: at most as many units, wherever in its binade y lies
   return float(y * (1 + ((bits ^ bits >> 7) & 1 ? off : -off)));
}

} // namespace softgpu

inline float __expf(float x) {
   return softgpu::off_by(exp(double(x)), 2 + floor(fabs(1.173 * double(x))));
}
inline float __exp10f(float x) {
   return powf(10.0f, x);
}
inline float __logf(float x) {
   return logf(x);
}
inline float __log2f(float x) {
   return log2f(x);
}
inline float __log10f(float x) {
   return log10f(x);
}
inline float __powf(float x, float y) {
   return powf(x, y);
}
inline float __sinf(float x) {
   return sinf(x);
}
inline float __cosf(float x) {
   return cosf(x);
}
inline void __sincosf(float x, float *s, float *c) {
   *s = sinf(x), *c = cosf(x);
}
inline float __tanf(float x) {
   return tanf(x);
}
inline float __fdividef(float x, float y) {
   if (fabsf(y) > 0x1p126f && !std::isinf(y)) return std::isfinite(x) ? 0 : NAN;
   return softgpu::off_by(double(x) / double(y), 2);
}
inline float __frcp_rn(float x) {
   return 1.0f / x;
}
inline float __fsqrt_rn(float x) {
   return sqrtf(x);
}
inline float __frsqrt_rn(float x) {
   return 1.0f / sqrtf(x);
}
inline float __fdiv_rn(float x, float y) {
   return x / y;
}
__attribute__((noinline)) inline float __fadd_rn(float x, float y) {
   return x + y;
}
__attribute__((noinline)) inline float __fsub_rn(float x, float y) {
   return x - y;
}
__attribute__((noinline)) inline float __fmul_rn(float x, float y) {
   return x * y;
}
inline float __fmaf_rn(float x, float y, float z) {
   return fmaf(x, y, z);
}
__attribute__((noinline)) inline double __dadd_rn(double x, double y) {
   return x + y;
}
__attribute__((noinline)) inline double __dmul_rn(double x, double y) {
   return x * y;
}
inline float __saturatef(float x) {
   return x >= 0 ? fminf(x, 1.0f) : 0.0f;
}

namespace softgpu {

template <class To, class From> inline To bits(From x) {
   static_assert(sizeof(To) == sizeof(From));
   To y;
   memcpy(&y, &x, sizeof y);
   return y;
}

} // namespace softgpu

inline int __float_as_int(float x) {
   return softgpu::bits<int>(x);
}
inline unsigned __float_as_uint(float x) {
   return softgpu::bits<unsigned>(x);
}
inline float __int_as_float(int x) {
   return softgpu::bits<float>(x);
}
inline float __uint_as_float(unsigned x) {
   return softgpu::bits<float>(x);
}
inline long long __double_as_longlong(double x) {
   return softgpu::bits<long long>(x);
}
inline double __longlong_as_double(long long x) {
   return softgpu::bits<double>(x);
}

inline int __float2int_rn(float x) {
   return int(lrintf(x));
}
inline int __float2int_rd(float x) {
   return int(floorf(x));
}
inline int __float2int_ru(float x) {
   return int(ceilf(x));
}
inline int __float2int_rz(float x) {
   return int(x);
}
inline unsigned __float2uint_rn(float x) {
   return unsigned(lrintf(x));
}
inline float __int2float_rn(int x) {
   return float(x);
}
inline float __uint2float_rn(unsigned x) {
   return float(x);
}

inline int __popc(unsigned x) {
   return __builtin_popcount(x);
}
inline int __popcll(unsigned long long x) {
   return __builtin_popcountll(x);
}
inline int __clz(int x) {
   return x ? __builtin_clz(unsigned(x)) : 32;
}
inline int __clzll(long long x) {
   return x ? __builtin_clzll((unsigned long long)x) : 64;
}
inline int __ffs(int x) {
   return __builtin_ffs(x);
}
inline unsigned __umulhi(unsigned a, unsigned b) {
   return unsigned(uint64_t(a) * b >> 32);
}
inline int __mulhi(int a, int b) {
   return int(int64_t(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
   return (unsigned long long)((unsigned __int128)a * b >> 64);
}
inline unsigned __brev(unsigned x) {
   unsigned y = 0;
   for (int i = 0; i < 32; i++) y |= (x >> i & 1) << (31 - i);
   return y;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned by) {
   return unsigned(((uint64_t(high) << 32 | low) << (by & 31)) >> 32);
}

// min and max of two numbers, which nvcc knows without std::
template <class A, class B, class = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
inline std::common_type_t<A, B> min(A a, B b) {
   using T = std::common_type_t<A, B>;
   if constexpr (std::is_floating_point_v<T>)
      return std::fmin(T(a), T(b));
   else
      return T(b) < T(a) ? T(b) : T(a);
}
template <class A, class B, class = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
inline std::common_type_t<A, B> max(A a, B b) {
   using T = std::common_type_t<A, B>;
   if constexpr (std::is_floating_point_v<T>)
      return std::fmax(T(a), T(b));
   else
      return T(a) < T(b) ? T(b) : T(a);
}

#endif
