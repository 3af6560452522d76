// Runs the kernel of a call: the device's; where that does not take half width after all, the same in f32; and
// where a device in host memory has none, that of ref.
#ifndef SCUTE_DISPATCH_H
#define SCUTE_DISPATCH_H

#include "host/core/op.h"

SC_API_BEGIN

ScStatus sc_run_kernel(ScCall *); // allocate outputs (and saved) as described, then the backend's forward
ScStatus sc_run_backward_kernel(ScCall *); // allocate grad_in where needed, then the backend's backward

// x in another dtype, outside the tape: what the kernel of the op `to` makes of it.
ScStatus sc_tensor_convert(ScTensor **out, const ScTensor *x, ScDtype);

SC_API_END

#endif
