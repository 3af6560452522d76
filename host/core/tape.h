// Reverse mode: recorded calls form a graph through their output tensors; backward walks it from the newest
// call to the oldest, frees what it has consumed and adds gradients to the leaves.
#ifndef SCUTE_TAPE_H
#define SCUTE_TAPE_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

// Recording is on by default; no_grad switches it off. Returns the previous state.
bool sc_set_recording(bool on);
bool sc_is_recording(void);

// True if the tensor is a leaf that requires a gradient or was made by a recorded call.
bool sc_needs_grad(const ScTensor *);

// After a successful recorded call: ties the outputs to a node that takes over the call. Internal to
// sc_call_run.
ScStatus sc_tape_record(ScCall *);
void sc_node_release(ScNode *);

// Gradients of a scalar (or of any tensor, given its gradient `seed`) with respect to all leaves, added to
// their `grad`. Consumes the graph: a second backward through the same calls is an error that says so, unless
// `retain`.
ScStatus sc_backward(ScTensor *root, ScTensor *seed, bool retain);

SC_API_END

#endif
