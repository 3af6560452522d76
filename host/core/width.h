// In which dtypes a call computes: promotion of mixed operands, and half width, native or widened to f32.
#ifndef SCUTE_WIDTH_H
#define SCUTE_WIDTH_H

#include "host/core/op.h"

// What sc_choose_width changed about a call. Starts as zeros.
typedef struct {
   bool narrows;   // f32 results are converted to `narrow`
   ScDtype narrow; // the first half dtype of a call that was widened
   // The half-width tensors that the op may write, and the stamps of their widened copies before it does.
   ScTensor *written[SC_MAXPARAM];
   uint64_t stamp[SC_MAXPARAM];
} ScWidth;

// What autocast wants of this op's inputs, if it is on.
ScStatus sc_apply_autocast(ScCall *);
// Brings the inputs to the dtypes that the device's kernel computes in (see ScOp.wide).
ScStatus sc_choose_width(ScCall *, ScWidth *);
// Afterwards, also on failure: converts back what was written and the results. Returns `status` or its own.
ScStatus sc_restore_width(ScCall *, ScStatus status, ScWidth *);

// Runs `run` with f32 copies in place of the half-width tensors of a native call.
typedef ScStatus (*ScRunKernel)(ScCall *, bool backward, bool fallback);
ScStatus sc_run_widened(ScCall *, bool backward, ScRunKernel run);

#endif
