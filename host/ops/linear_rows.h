// Rows of a linear layer's input and output for its kernels: all but the last dimension. They lie one after the
// other, but for tensors of four dimensions, which are brought into that order and back.
#ifndef SCUTE_OPS_LINEAR_ROWS_H
#define SCUTE_OPS_LINEAR_ROWS_H

#include "host/core/op.h"

enum { SC_LINEAR_X, SC_LINEAR_WEIGHT, SC_LINEAR_BIAS };

SC_API_BEGIN

typedef struct {
   int64_t rows, inputs, outputs;
} ScLinear;

ScLinear sc_linear_sizes(const ScCall *);

// x (rows, inputs), y and gy (rows, outputs). gx is NULL where it is not wanted; x may be where only it is.
typedef ScStatus (*ScLinearForward)(const ScCall *, const void *x, void *y);
typedef ScStatus (*ScLinearBackward)(const ScCall *, const void *x, const void *gy, void *gx);

ScStatus sc_linear_forward(ScCall *, ScLinearForward);
ScStatus sc_linear_backward(ScCall *, ScLinearBackward);

SC_API_END

#endif
