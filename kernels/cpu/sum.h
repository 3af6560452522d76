#ifndef SCUTE_CPU_SUM_H
#define SCUTE_CPU_SUM_H

#include <stdint.h>

// The sum of n floats in double precision, in an order that depends on n alone.
double sc_sum(const float *x, int64_t n);

#endif
