// Rows of numbers put into their order, see host/ops/sort.h: each number becomes a key, a whole number that is
// ordered alike, and keys are sorted byte by byte.
#ifndef SCUTE_CPU_ORDER_H
#define SCUTE_CPU_ORDER_H

#include "host/core/tensor.h"

typedef struct {
   uint64_t key;
   int64_t index; // where the number stands, from 0
} ScKeyed;

typedef struct {
   bool descending, nan_first;
} ScOrdering;

// n keys of x from `start` on, `step` apart.
void sc_keys_of(ScKeyed *keys, const ScTensor *x, int64_t start, int64_t n, int64_t step, ScOrdering);
// The same of plain numbers, NaN last.
void sc_keys_of_doubles(ScKeyed *keys, const double *x, int64_t n);
// The key of a NaN in a tensor of that dtype.
uint64_t sc_key_of_nan(ScDtype, ScOrdering);
// Sorts keys of that dtype; equal ones stay in their order. `room` is as large; the result is one of the two.
ScKeyed *sc_sort_keys(ScKeyed *keys, ScKeyed *room, int64_t n, ScDtype);
// Brings the `count` smallest of n keys to the front, in any order but that equal ones stay in theirs.
void sc_select_keys(ScKeyed *keys, ScKeyed *room, int64_t n, int64_t count, ScDtype);

static inline void sc_copy_element(void *to, int64_t to_at, const void *from, int64_t at, size_t size) {
   switch (size) {
   case 1: ((uint8_t *)to)[to_at] = ((const uint8_t *)from)[at]; break;
   case 2: ((uint16_t *)to)[to_at] = ((const uint16_t *)from)[at]; break;
   case 4: ((uint32_t *)to)[to_at] = ((const uint32_t *)from)[at]; break;
   default: ((uint64_t *)to)[to_at] = ((const uint64_t *)from)[at];
   }
}

#endif
