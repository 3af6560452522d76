// Filters with batch norm folded into them, made once for each content of what they are made from.
#ifndef SCUTE_CUDA_FOLDED_H
#define SCUTE_CUDA_FOLDED_H

#include "host/core/op.h"

typedef struct {
   void *weights;      // as the call's filters, in x's dtype
   float *shift;       // (O): what remains to be added
   void *narrow_shift; // (O): the same in x's dtype
} ScFolded;

// Of a conv2d_folded; for the kernels that are launched next.
ScStatus sc_folded_find(const ScCall *, ScFolded *);
void sc_folded_forget(uint64_t stamp); // what was made from that content
void sc_folded_drop(const ScDevice *); // all of a device

#endif
