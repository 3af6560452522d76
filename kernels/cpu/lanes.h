// Vectors of 16 floats, for kernels whose sums are to stay in registers. Include it first but for the kernel's
// own header and clones.h.
#ifndef SCUTE_CPU_LANES_H
#define SCUTE_CPU_LANES_H

#include "kernels/cpu/half.h"

// Multiplying and adding in one instruction takes half of the time; elsewhere it is not asked for.
#pragma GCC optimize("fp-contract=fast")

enum { LANES = 16 };

typedef float Lanes __attribute__((vector_size(4 * LANES)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));

SC_INLINE void sc_lanes_load(Lanes *to, const void *from, bool half) {
   if (!half) {
      memcpy(to, from, sizeof *to);
      return;
   }
   Halves halves;
   memcpy(&halves, from, sizeof halves);
   *to = (Lanes)(__builtin_convertvector(halves, Bits) << 16);
}

// As sc_narrow rounds.
SC_INLINE void sc_lanes_store(void *to, const Lanes *value, bool half) {
   if (!half) {
      memcpy(to, value, sizeof *value);
      return;
   }
   Bits bits = (Bits)*value, number = (Bits)(*value == *value);
   Bits rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
   Halves halves = __builtin_convertvector((rounded & number) | (quiet & ~number), Halves);
   memcpy(to, &halves, sizeof halves);
}

#endif
