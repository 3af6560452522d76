// The one way in which every op is called: the inputs are brought to one width (host/core/width.h), computed
// and recorded (host/core/compute.h), and what failed is named.
#ifndef SCUTE_CALL_H
#define SCUTE_CALL_H

#include "host/core/op.h"

SC_API_BEGIN

// Checks, promotes, allocates, computes and records. On success call->out holds the results (take them with
// sc_call_take before freeing); on failure nothing has changed. SC_EMEM may be retried after freeing memory.
// Afterwards the call belongs to the caller still; a recorded one is shared with the tape.
ScStatus sc_call_run(ScCall *);
// Shorthand from C: prepares (sc_call_prepare), runs, and takes the first output.
ScStatus sc_apply(ScTensor **out, const char *name, int nin, ScTensor *const *in, const ScAttr *attr,
                  int nattr);

SC_API_END

#endif
