// What NVRTC knows without any header, for sources that the software GPU's NVRTC compiles; it is put before
// them.
#ifndef SOFTGPU_RTC_H
#define SOFTGPU_RTC_H

#include <cuda_runtime.h>

// Instructions that sources write in PTX, which g++ does not know, are macros there, as SC_DYNAMIC_SHARED is.
inline float softgpu_widen_f16(unsigned short h) {
   unsigned sign = (h & 0x8000u) << 16, bits = (h & 0x7fffu) << 13;
   float magnitude =
       bits >= 0x0f800000u ? __uint_as_float(bits | 0x7f800000u) : __uint_as_float(bits) * 0x1p112f;
   return __uint_as_float(sign | __float_as_uint(magnitude));
}
inline unsigned short softgpu_narrow_f16(float x) {
   const unsigned bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
   if (magnitude > 0x7f800000u) return 0x7fff;
   if (magnitude >= 0x477ff000u) return (unsigned short)(sign | 0x7c00u); // rounds beyond the largest
   if (magnitude < 0x38800000u) // subnormal: the sum's last bit is theirs
      return (unsigned short)(sign | (__float_as_uint(fabsf(x) + 0.5f) - 0x3f000000u));
   return (unsigned short)(sign | ((magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13));
}
#define SC_F32_OF_F16(y, x) y = softgpu_widen_f16(x)
#define SC_F16_OF_F32(y, x) y = softgpu_narrow_f16(x)

namespace softgpu {

template <class... A> inline void enrol(void (*kernel)(A...)) {
   Signature<A...>::enrol(kernel);
}

} // namespace softgpu

#endif
