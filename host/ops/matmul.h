// The geometry of a matrix product.
#ifndef SCUTE_OPS_MATMUL_H
#define SCUTE_OPS_MATMUL_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

typedef struct {
   int64_t batch, m, n, k;     // (batch, m, k) times (batch, k, n)
   int64_t stride_a, stride_b; // elements from one matrix of a batch to the next; 0 where one serves all
} ScMatmul;

// Of a checked call.
ScMatmul sc_matmul_geometry(const ScCall *);

SC_API_END

#endif
