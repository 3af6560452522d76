// What the kernels of sort, argsort, topk and median share.
//
// Each of them takes the first numbers of each row in its stable order: equal ones stay as they stood, -0
// equals 0, and all NaNs are one number above all others (for median: below all others, so that one of them
// comes first). sc_axis(x, dim) gives the rows.
#ifndef SCUTE_OPS_SORT_H
#define SCUTE_OPS_SORT_H

#include "host/core/op.h"
#include "host/ops/axis.h"

// Attributes. Out are the values and where each stood, i64 from 1; of argsort the latter alone.
enum { SC_SORT_DIM, SC_SORT_DESCENDING, SC_SORT_STABLE };
enum { SC_TOPK_K, SC_TOPK_DIM, SC_TOPK_LARGEST, SC_TOPK_SORTED };
// Kernels see the results with the dimension kept. Without a dimension there is no second result; saved is, if
// the call is recorded, where the median stood, from 1.
enum { SC_MEDIAN_DIM, SC_MEDIAN_KEEPDIM };

// The median of n numbers in their order, from 0: of two in the middle the lower one.
#define SC_MIDDLE(n) (((n)-1) / 2)

// Where the numbers stood from which the results came: the gradient goes there.
static inline const ScTensor *sc_sort_origins(const ScCall *c) {
   return c->nsaved ? c->saved[0] : c->out[1];
}

#endif
