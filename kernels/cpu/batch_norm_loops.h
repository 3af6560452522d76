// The loops of batch norm over rows of channels, each for a range of rows and compiled for several instruction
// sets.
//
// A row here may be several rows of the tensor side by side, so that few channels still make long loops; what
// is kept per channel is then repeated.
#ifndef SCUTE_CPU_BATCH_NORM_LOOPS_H
#define SCUTE_CPU_BATCH_NORM_LOOPS_H

#include "host/ops/batch_norm.h"

// Where backward finds the activation's derivative.
typedef enum {
   SC_MASK_NONE,
   SC_MASK_X, // the value before the activation, computed again from x (and the residual)
   SC_MASK_Y, // the result
} ScMask;

typedef struct {
   int64_t width; // values in a row
   ScAct act;
   ScMask mask;
   bool half; // these are bf16
   const void *x, *residual, *y, *gy;
   void *out, *gx, *gresidual;
   // Per channel, `width` long.
   const float *mean, *scale, *offset;     // before the activation: x * scale + offset + residual
   const float *gscale, *gslope, *goffset; // gradient of x: g * gscale + (x - mean) * gslope + goffset
} ScNormRows;

// Adds up x - mean and its square over rows [from, to): sums[0..width) and sums[width..2 width). `part` holds 2
// width floats.
void sc_norm_sum(const ScNormRows *, int64_t from, int64_t to, float *part, double *sums);
// out = act(x * scale + offset + residual)
void sc_norm_apply(const ScNormRows *, int64_t from, int64_t to);
// Adds up the gradient before the activation, and (where x is there) that times x - mean, as sc_norm_sum does;
// stores the former in gresidual if that is wanted, which may be where gy is.
void sc_norm_sum_gradients(const ScNormRows *, int64_t from, int64_t to, float *part, double *sums);
// Writes gx; reads the gradient before the activation from gresidual if it is there.
void sc_norm_input_gradient(const ScNormRows *, int64_t from, int64_t to);

#endif
