// Values that backward wants and that are cheaper to compute again than to keep: what follows a convolution is
// batch norm and an activation, one pass over memory, yet as large as the convolution's own result. Of a call
// whose op has a `redo`, nobody keeps the output; it is computed again when backward first asks for it, and
// stays until backward has gone through the call itself. Where memory is the host's only: elsewhere each
// launch counts.
//
// Some may be kept all the same: a step is faster for it, and the largest come first. What is kept and what is
// computed again are the same bits, so a run does not depend on which.
#ifndef SCUTE_REDO_H
#define SCUTE_REDO_H

#include "host/core/node.h"
#include "host/core/op.h"

// For an op's forward: whether its output may be left to `redo`. Not where too many calls in a row would have
// to be computed again before it.
bool sc_may_redo(const ScCall *);
// The same where the output is worth keeping as long as there is room for it: whether it is to be left to
// `redo`.
bool sc_would_redo(ScCall *);

// How many bytes of outputs may be kept at a time that could be computed again: a training step of batch 16
// then takes less than 0.6 of what PyTorch's takes, of EfficientNet-B3 at 300 pixels too, and is a few per cent
// faster.
enum { SC_SPARED = 64 << 20 };
void sc_redo_above(size_t bytes);

// For the tape. Whether `t` is what a call computed that can do so again.
bool sc_can_be_redone(const ScTensor *t);
// Notes in the node of a call that has just been recorded what of its output can be computed again.
void sc_redo_note(ScNode *, const ScCall *);

// The node's call is given up, and what was kept of it.
void sc_redo_forget(ScNode *);

// For backward. Makes what it needs of the node's inputs and output; drops that again.
ScStatus sc_redo_for(ScNode *);
void sc_redo_drop(ScNode *);

#endif
