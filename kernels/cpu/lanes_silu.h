// SiLU of vectors (lanes.h), for kernels that end with it while their sums are in registers.
#ifndef SCUTE_CPU_LANES_SILU_H
#define SCUTE_CPU_LANES_SILU_H

#include "kernels/cpu/lanes.h"

#include <math.h>

// x / (1 + exp(-x)), where exp(-x) is 2^n times 2^f (Cephes, S. Moshier), infinite from where it is near to it
// on.
SC_INLINE void sc_lanes_silu(Lanes *x) {
   const Lanes zero = {0}, magic = zero + 12582912.0f; // 1.5 * 2^23: leaves the whole number in the low bits
   Bits large = (Bits)(*x < -88.7f), small = (Bits)(*x > 87.0f);
   Lanes shifted = *x * -1.44269504088896341f + magic, n = shifted - magic;
   Lanes f = *x * -1.44269504088896341f - n;
   Lanes p = 1.535336188319500e-4f * f + 1.339887440266574e-3f;
   p = p * f + 9.618437357674640e-3f;
   p = p * f + 5.550332471162809e-2f;
   p = p * f + 2.402264791363012e-1f;
   p = p * f + 6.931472028550421e-1f;
   p = p * f + 1.0f;
   Bits power = (Bits)p + ((Bits)shifted << 23);
   Lanes e = (Lanes)((power & ~(large | small)) | ((Bits)(zero + INFINITY) & large));
   *x = *x / (e + 1.0f);
}

#endif
