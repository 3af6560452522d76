// The geometry of distances of each with each.
#ifndef SCUTE_CDIST_H
#define SCUTE_CDIST_H

#include "host/core/op.h"

enum { SC_CDIST_P }; // attribute

// Squares of distances that are computed by products are good to about 1e-7 of the squares of both lengths;
// pairs that are nearer than this part of those are computed from differences.
#define SC_CDIST_NEAR (1.0 / 8)

SC_API_BEGIN

typedef struct {
   int64_t batch, m, n, k;     // (batch, m, k) against (batch, n, k)
   int64_t stride_a, stride_b; // elements from one of a batch to the next; 0 where one serves all
} ScDistances;

// Of a checked call.
ScDistances sc_cdist_geometry(const ScCall *);

SC_API_END

#endif
