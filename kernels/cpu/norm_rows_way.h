// Rows that are normalised (see norm_rows.h), for each kind of processor.
#ifndef SCUTE_CPU_NORM_ROWS_WAY_H
#define SCUTE_CPU_NORM_ROWS_WAY_H

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

typedef struct {
   void (*rows)(const ScNormedRows *, int64_t from, int64_t to);
   void (*gradients)(const ScNormedRows *, int64_t from, int64_t to, float *part, double *sums);
} ScNormRowsWay;

extern const ScNormRowsWay sc_norm_rows_any, sc_norm_rows_avx2, sc_norm_rows_avx512;

#endif
