#ifndef SCUTE_CPU_LARGEST_H
#define SCUTE_CPU_LARGEST_H

#include "kernels/cpu/half.h"

// The larger of two magnitudes (no signs); a NaN beats everything: as whole numbers, in which loops vectorise,
// their bits have that order.
SC_INLINE float sc_larger(float a, float b) {
   uint32_t bits_a, bits_b;
   memcpy(&bits_a, &a, sizeof a);
   memcpy(&bits_b, &b, sizeof b);
   uint32_t larger = bits_a > bits_b ? bits_a : bits_b;
   memcpy(&a, &larger, sizeof a);
   return a;
}

#endif
