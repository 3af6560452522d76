// Reverse mode: backward walks the graph of the tape from the newest call to the oldest, frees what it has
// consumed and adds gradients to the leaves.
#ifndef SCUTE_BACKWARD_H
#define SCUTE_BACKWARD_H

#include "host/core/tensor.h"

SC_API_BEGIN

// Gradients of a scalar (or of any tensor, given its gradient `seed`) with respect to all leaves, added to
// their `grad`. Consumes the graph: a second backward through the same calls is an error that says so, unless
// `retain`.
ScStatus sc_backward(ScTensor *root, ScTensor *seed, bool retain);

SC_API_END

#endif
