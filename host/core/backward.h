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

// Who is told, while a backward goes on, of each leaf that it gives a gradient to: once, when nothing more is
// added to that gradient (there may be none). Another status than SC_OK ends the backward with it. Nobody is
// told where functions from outside (host/core/function.h) are part of the graph, which may add to any gradient
// themselves, nor of what backwards within such functions do.
typedef struct {
   ScStatus (*final)(void *context, ScTensor *leaf); // NULL: nobody
   void *context;
} ScLeafWatch;
// From now on; returns who was told until now.
ScLeafWatch sc_watch_leaves(ScLeafWatch);

SC_API_END

#endif
