// In which dtypes a call computes: promotion of mixed operands, and half width, native or widened to f32.
#ifndef SCUTE_WIDTH_H
#define SCUTE_WIDTH_H

#include "host/core/op.h"

// Mixed precision: while the dtype is f16 or bf16, ops convert their inputs as their `autocast` says, through
// the recorded op `to`, so that gradients arrive at f32 weights in f32. f32 (the start) switches it off; it is
// off within backward. Returns the dtype before.
ScDtype sc_set_autocast(ScDtype);

// For host/ops: brings the inputs from `first` on to a common dtype (in infer).
ScStatus sc_promote(ScCall *, int first);

// What sc_choose_width changed about a call. Starts as zeros.
typedef struct {
   bool narrows;   // f32 results are converted to `narrow`
   ScDtype narrow; // the half dtype of the first floating-point tensor of a call that was widened
   // The half-width tensors that the op may write, and the stamps of their widened copies before it does.
   ScTensor *written[SC_MAXPARAM];
   uint64_t stamp[SC_MAXPARAM];
} ScWidth;

// What autocast wants of this op's inputs, if it is on.
ScStatus sc_apply_autocast(ScCall *);
// Brings the inputs to the dtypes that the device's kernel computes in (see ScOp.wide).
ScStatus sc_choose_width(ScCall *, ScWidth *);
// Afterwards: the results in the dtype that was asked for.
ScStatus sc_narrow_results(ScCall *, const ScWidth *);
// At the end, also on failure: converts back what was written. Returns `status` or its own.
ScStatus sc_write_back(ScCall *, ScStatus status, ScWidth *);

#endif
