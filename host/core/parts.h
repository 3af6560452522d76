// Gradients of parts: that of a slice is zeros but for its range, as large as the whole. Of many slices of one
// tensor (split, x[i] in a loop) each after the first is added where it belongs instead.
#ifndef SCUTE_PARTS_H
#define SCUTE_PARTS_H

#include "host/core/node.h"
#include "host/core/tensor.h"

// Adds the gradient of a node that is a slice to that of the whole, in its range only; false: the node is none,
// or the whole has no gradient yet, or one that somebody else holds too. May be tried again after SC_EMEM.
// Where memory is the host's only: elsewhere each launch counts.
ScStatus sc_part_add(ScNode *, ScTensor *whole, bool *added);

#endif
