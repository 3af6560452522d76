// Rows that are normalised one by one, while they are in the cache; compiled for several instruction sets.
#ifndef SCUTE_CPU_NORM_ROWS_H
#define SCUTE_CPU_NORM_ROWS_H

#include "kernels/cpu/norm_rows_way.h"

// out = (x - mean) * inverse * weight + bias, of the rows [from, to).
void sc_normed_rows(const ScNormedRows *, int64_t from, int64_t to);

// gx; and gradients of weight and bias, added to sums[0..channels) and sums[channels..2 channels), where there
// are n * groups channels. `part` holds as many floats.
void sc_normed_rows_gradients(const ScNormedRows *, int64_t from, int64_t to, float *part, double *sums);

#endif
