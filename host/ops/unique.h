#ifndef SCUTE_OPS_UNIQUE_H
#define SCUTE_OPS_UNIQUE_H

#include "host/core/op.h"

// Attributes; the last one is set by the kernel: how many there are. Values and counts have room for as many as
// x has numbers. Numbers are compared as in host/ops/sort.h; no NaN equals another.
enum { SC_UNIQUE_INVERSE, SC_UNIQUE_COUNTS, SC_UNIQUE_FOUND };

// Outputs besides the values, NULL where they are not asked for: which one each number is (i64, from 1, shaped
// as x), and how often each is there (i64).
static inline ScTensor *sc_unique_inverse(const ScCall *c) {
   return c->attr[SC_UNIQUE_INVERSE].i ? c->out[1] : NULL;
}
static inline ScTensor *sc_unique_counts(const ScCall *c) {
   return c->attr[SC_UNIQUE_COUNTS].i ? c->out[c->nout - 1] : NULL;
}

#endif
