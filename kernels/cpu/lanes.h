// Vectors of 16 floats, or of as many as SC_LANES says, for kernels whose sums are to stay in registers.
// Include it first but for the kernel's own header and clones.h.
#ifndef SCUTE_CPU_LANES_H
#define SCUTE_CPU_LANES_H

#include "kernels/cpu/half.h"

// Multiplying and adding in one instruction takes half of the time; elsewhere it is not asked for.
#pragma GCC optimize("fp-contract=fast")

#ifndef SC_LANES
#define SC_LANES 16
#endif

enum { LANES = SC_LANES };

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

// The numbers of the first halves of two vectors by turns, and those of the second halves.
#if SC_LANES == 16
#define SC_LOW_HALVES  0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define SC_HIGH_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#else
#define SC_LOW_HALVES  0, 8, 1, 9, 2, 10, 3, 11
#define SC_HIGH_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#endif

#endif
