// What the kernels of normalize share.
#ifndef SCUTE_NORMALIZE_H
#define SCUTE_NORMALIZE_H

#include "host/core/op.h"
#include "host/ops/axis.h"

enum { SC_UNIT_P, SC_UNIT_DIM, SC_UNIT_EPS }; // attributes

// Kept for backward: the p-norms, one for each that is normalized.
enum { SC_UNIT_NORMS };

static inline ScAxis sc_unit_axis(const ScCall *c, const ScTensor *x) {
   return sc_axis(x, c->attr[SC_UNIT_DIM].i);
}

#endif
