// The tape: recorded calls form a graph through their output tensors (host/core/node.h), which backward
// (host/core/backward.h) walks.
#ifndef SCUTE_TAPE_H
#define SCUTE_TAPE_H

#include "host/core/op.h"

SC_API_BEGIN

// Recording is on by default; no_grad switches it off. Returns the previous state.
bool sc_set_recording(bool on);
bool sc_is_recording(void);

// True if the tensor is a leaf that requires a gradient or was made by a recorded call.
bool sc_needs_grad(const ScTensor *);

// After a successful recorded call: ties the outputs to a node that takes over the call.
ScStatus sc_tape_record(ScCall *);

SC_API_END

#endif
