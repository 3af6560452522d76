// NumPy's broadcasting: shapes are aligned at their last dimension, and 1 stretches.
#ifndef SCUTE_BROADCAST_H
#define SCUTE_BROADCAST_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

// Output 0 gets the shape that all inputs together broadcast to.
ScStatus sc_describe_broadcast(ScCall *, ScDtype);

// Strides that read `t` as if it had the shape of `like`: 0 where it is stretched.
void sc_broadcast_strides(const ScTensor *t, const ScTensor *like, int64_t strides[SC_MAXRANK]);

SC_API_END

#endif
