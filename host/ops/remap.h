// Ops whose result takes each element from one place of x, or from outside of it: flip, roll, tile, expand,
// pad. Where it is from is said by each dimension alone, so that one kernel does them all.
#ifndef SCUTE_OPS_REMAP_H
#define SCUTE_OPS_REMAP_H

#include "host/core/api.h"
#include "host/core/op.h"

typedef enum {
   SC_MAP_INSIDE,  // as they are; nothing where there are none
   SC_MAP_FLIP,    // from the last to the first
   SC_MAP_WRAP,    // from the first again after the last
   SC_MAP_REFLECT, // back from the last, which is not repeated
   SC_MAP_CLAMP,   // the last again and again
} ScMapKind;

// Index k of the result has entry first + kind(k - shift) of x, both from 0; `kind` is one of n entries.
typedef struct {
   ScMapKind kind;
   int64_t shift, n, first;
} ScDimMap;

// For each dimension of the result; those that x does not have are in front, with n = 1.
typedef struct {
   ScDimMap dim[SC_MAXRANK];
   double value; // of what comes from outside
} ScRemap;

SC_API_BEGIN

// Each index of a tensor stays where it is.
ScRemap sc_identity_map(const ScTensor *);
// Strides of x for the dimensions of y, which may be more: 0 where x has none, and where it has one entry.
void sc_remap_strides(const ScTensor *x, const ScTensor *y, int64_t strides[SC_MAXRANK]);
// The entry of x for index k, or -1 where it is outside.
int64_t sc_map_entry(const ScDimMap *, int64_t k);
// The same for index k and those after it, up to index `end`: they have entries *entry, *entry + *step, ...;
// returns how many.
int64_t sc_map_run(const ScDimMap *, int64_t k, int64_t end, int64_t *entry, int *step);

// The gradient of a call whose result repeats x, whole, a number of times along each dimension: tile, expand.
ScStatus sc_sum_repeats(ScCall *);

SC_API_END

#endif
