// What the bias of a layer gets: a gradient's sum over its rows.
#ifndef SCUTE_CPU_COLUMN_SUMS_H
#define SCUTE_CPU_COLUMN_SUMS_H

#include <stdbool.h>
#include <stdint.h>

// sums (columns) of x (rows, columns), f32 or bf16, in double and in the order of the rows.
void sc_column_sums(float *sums, const void *x, int64_t rows, int64_t columns, bool half);

#endif
