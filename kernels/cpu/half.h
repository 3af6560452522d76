// Loops over f32 or bf16 elements, written once: `half` is a constant in each call, so that the compiler makes
// a loop of each kind. Values are computed in f32 and rounded to nearest even when they are stored.
#ifndef SCUTE_CPU_HALF_H
#define SCUTE_CPU_HALF_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "host/core/tensor.h"
#include "kernels/cpu/onednn.h"

// The dtypes of kernels that are written with these: bf16 where the processor's convolutions compute in it,
// else tensors are widened around them.
#define SC_F32_AND_BF16 .dtypes = 1u << SC_F32, .more_dtypes = sc_cpu_half

#define SC_INLINE       static inline __attribute__((always_inline))

SC_INLINE float sc_widen(uint16_t half) {
   uint32_t bits = (uint32_t)half << 16;
   float value;
   memcpy(&value, &bits, sizeof value);
   return value;
}

// A NaN stays one.
SC_INLINE uint16_t sc_narrow(float value) {
   uint32_t bits;
   memcpy(&bits, &value, sizeof bits);
   uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
   return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? quiet : rounded);
}

SC_INLINE float sc_at(const void *data, int64_t i, bool half) {
   return half ? sc_widen(((const uint16_t *)data)[i]) : ((const float *)data)[i];
}

SC_INLINE void sc_set(void *data, int64_t i, bool half, float value) {
   if (half)
      ((uint16_t *)data)[i] = sc_narrow(value);
   else
      ((float *)data)[i] = value;
}

// Element `i` of f32 or bf16 data.
SC_INLINE void *sc_past(const void *data, int64_t i, bool half) {
   return (char *)data + i * (half ? 2 : 4);
}

static inline bool sc_is_half(const ScTensor *t) {
   return t->dtype == SC_BF16;
}

#endif
