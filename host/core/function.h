// Functions whose backward lies outside the core (written in Lua, say): a node of the tape that is a C function
// and what it refers to.
#ifndef SCUTE_FUNCTION_H
#define SCUTE_FUNCTION_H

#include "host/core/op.h"

SC_API_BEGIN

// Ties the outputs, tensors outside the tape (at most SC_MAXOUT), to the inputs (NULL for arguments that are no
// tensors) they were computed from. Takes `function` over, also where it fails.
ScStatus sc_function_record(ScFunction *function, int nin, ScTensor *const *in, int nout, ScTensor *const *out);

SC_API_END

#endif
