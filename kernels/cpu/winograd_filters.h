// Filters of convolutions by tiles (see winograd.h), transformed: (O / 64, 36, C, 64).
#ifndef SCUTE_CPU_WINOGRAD_FILTERS_H
#define SCUTE_CPU_WINOGRAD_FILTERS_H

#include "host/ops/conv2d.h"

size_t sc_winograd_filter_bytes(const ScConv *);
int64_t sc_winograd_filter_step(int64_t channels); // floats from one of the products' matrices to the next
// From filters (O, 3, 3, C) in f32 or bf16. Where `turned`, they are those of the convolution whose gradient is
// computed: (C, 3, 3, O), of which inputs and outputs change places and taps are counted from the other end.
void sc_winograd_filters(const ScConv *, bool turned, bool half, const void *plain, float *filters);

#endif
