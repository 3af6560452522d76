// Rows that are normalised one by one, while they are in the cache; compiled for several instruction sets.
#ifndef SCUTE_CPU_NORM_ROWS_H
#define SCUTE_CPU_NORM_ROWS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
   int64_t n, groups; // values in a row; rows after which weight and bias begin again
   bool half;         // x, gy, out and gx are bf16
   double eps;
   const void *x, *gy;
   const float *weight, *bias; // n * groups
   float *mean, *inverse;      // of each row, inverse: 1 / sqrt(var + eps); forward writes them unless NULL
   void *out, *gx;             // gx may be gy, or NULL
   bool sums;                  // whether backward wants those of weight and bias
} ScNormedRows;

// out = (x - mean) * inverse * weight + bias, of the rows [from, to).
void sc_normed_rows(const ScNormedRows *, int64_t from, int64_t to);

// gx; and gradients of weight and bias, added to sums[0..channels) and sums[channels..2 channels), where there
// are n * groups channels. `part` holds as many floats.
void sc_normed_rows_gradients(const ScNormedRows *, int64_t from, int64_t to, float *part, double *sums);

#endif
