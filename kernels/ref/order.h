// Rows of numbers put into their order, see host/ops/sort.h.
#ifndef SCUTE_REF_ORDER_H
#define SCUTE_REF_ORDER_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/tensor.h"
#include "kernels/ref/walk.h"

typedef struct {
   int nan;       // what decides first
   double value;  // 0 of a whole number
   int64_t whole; // 0 of a fraction
   int64_t index; // from 0; no two are equal
} ScEntry;

static inline ScEntry sc_entry(const ScTensor *x, int64_t at, int64_t index, bool descending, bool nan_first) {
   if (x->dtype == SC_I64) {
      int64_t whole = sc_whole(x)[at];
      return (ScEntry){.whole = descending ? ~whole : whole, .index = index};
   }
   double value = sc_get(x, at);
   if (isnan(value)) return (ScEntry){.nan = descending || nan_first ? -1 : 1, .index = index};
   return (ScEntry){.value = descending ? -value : value, .index = index};
}

static inline int sc_compare_entries(const void *left, const void *right) {
   const ScEntry *a = left, *b = right;
   if (a->nan != b->nan) return a->nan < b->nan ? -1 : 1;
   if (a->value != b->value) return a->value < b->value ? -1 : 1;
   if (a->whole != b->whole) return a->whole < b->whole ? -1 : 1;
   return a->index < b->index ? -1 : a->index > b->index;
}

// n numbers of x from `start` on, `step` apart.
static inline void sc_order_row(ScEntry *row, const ScTensor *x, int64_t start, int64_t n, int64_t step,
                                bool descending, bool nan_first) {
   for (int64_t k = 0; k < n; k++) row[k] = sc_entry(x, start + k * step, k, descending, nan_first);
   qsort(row, (size_t)n, sizeof *row, sc_compare_entries);
}

static inline void sc_copy_element(const ScTensor *to, int64_t to_at, const ScTensor *from, int64_t at) {
   size_t size = sc_dtype_size(to->dtype);
   memcpy((char *)to->buffer->data + (size_t)to_at * size, (const char *)from->buffer->data + (size_t)at * size,
          size);
}

#endif
