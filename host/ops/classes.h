// Class numbers and indices in i64 tensors.
#ifndef SCUTE_OPS_CLASSES_H
#define SCUTE_OPS_CLASSES_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

// Input `input` holds numbers from 1 to `n`; `what` they are, for the message. Where the CPU cannot read them
// only the dtype is checked; kernels there answer a wrong number with NaN.
ScStatus sc_want_numbers(const ScCall *, int input, int64_t n, const char *what);

SC_API_END

#endif
