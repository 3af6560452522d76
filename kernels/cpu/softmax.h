#ifndef SCUTE_CPU_SOFTMAX_H
#define SCUTE_CPU_SOFTMAX_H

#include <stdbool.h>
#include <stdint.h>

// y = softmax of x, or its logarithm; y may be x.
void sc_softmax_row(float *y, const float *x, int64_t n, bool log_scale);

#endif
