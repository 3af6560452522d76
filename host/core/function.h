// Functions whose backward lies outside the core (written in Lua, say): a node of the tape that is a C function
// and what it refers to.
#ifndef SCUTE_FUNCTION_H
#define SCUTE_FUNCTION_H

#include "host/core/op.h"

SC_API_BEGIN

struct ScFunction {
   const char *name; // for messages; lives as long as the function
   // From call->grad_out (one per output, zeros where an output had no influence, NULL where it is no float
   // tensor) sets call->grad_in[i], which the call takes over, for inputs with call->needs_grad[i]; NULL counts
   // as zeros. call->in and call->out have shapes and dtypes only. Never raises, never jumps: what goes wrong
   // is a status.
   ScStatus (*backward)(ScFunction *, ScCall *);
   // Called once, when the tape lets go of the function: after a backward that consumed it, or with its graph.
   void (*release)(ScFunction *);
};

// Ties the outputs, tensors outside the tape (at most SC_MAXOUT), to the inputs (NULL for arguments that are no
// tensors) they were computed from. Takes `function` over, also where it fails.
ScStatus sc_function_record(ScFunction *function, int nin, ScTensor *const *in, int nout, ScTensor *const *out);

SC_API_END

#endif
