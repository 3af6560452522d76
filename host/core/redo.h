// Values that backward wants and that are cheaper to compute again than to keep: what follows a convolution is
// batch norm and an activation, one pass over memory, yet as large as the convolution's own result. Of a call
// whose op has a `redo`, nobody keeps the output; it is computed again when backward first asks for it, and
// stays until backward has gone through the call itself. Where memory is the host's only: elsewhere each
// launch counts.
#ifndef SCUTE_REDO_H
#define SCUTE_REDO_H

#include "host/core/node.h"
#include "host/core/op.h"

// For an op's forward: whether its output may be left to `redo`. Not where too many calls in a row would have
// to be computed again before it.
bool sc_may_redo(const ScCall *);

// For the tape. Whether `t` is what a call computed that can do so again.
bool sc_can_be_redone(const ScTensor *t);
// Notes in the node of a call that has just been recorded what of its output can be computed again.
void sc_redo_note(ScNode *, const ScCall *);

// For backward. Makes what it needs of the node's inputs and output; drops that again.
ScStatus sc_redo_for(ScNode *);
void sc_redo_drop(ScNode *);

#endif
