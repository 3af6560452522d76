// Parameters in half width, as autocast computes with them. On a device that computes on its own each
// conversion costs a launch, so that those of a network are made together: of the parameters when the first one
// that has changed is wanted, and of their gradients when a backward has come to all of them.
#ifndef SCUTE_HALVES_H
#define SCUTE_HALVES_H

#include "host/core/node.h"
#include "host/core/tensor.h"

// If t is a parameter on such a device: gives it an up-to-date copy in `dtype`, and with it all others there
// whose copies are out of date. A copy that somebody still holds is left to them.
ScStatus sc_half_refresh(ScTensor *t, ScDtype dtype);
// The copy, if it has t's content now; else NULL. The op `to` takes it for its result.
const ScTensor *sc_half_of(const ScTensor *t, ScDtype dtype);
// On the CPU: t is frozen and was converted to `half`, which is kept for its next conversion if it has been
// converted before, as weights are and what passes through a network once is not. So its content keeps its
// stamp, and what a backend packed from it is found again.
ScStatus sc_half_keep(ScTensor *t, ScTensor *half);
void sc_halves_flush(const ScDevice *);

// Gradients in half width of parameters in f32, on their way through the node of a conversion.
typedef struct {
   int n, capacity;
   ScTensor **leaves, **gradients; // one reference each
} ScLateGradients;

// Takes the gradient out of a node that converts it for a parameter; false: that node is none.
ScStatus sc_late_take(ScLateGradients *, ScNode *, bool *taken);
// Converts all that came since the last time; `hand` is given (and takes over) each gradient, in the order in
// which they came.
ScStatus sc_late_convert(ScLateGradients *, ScStatus (*hand)(void *, ScTensor *leaf, ScTensor *gradient),
                         void *context);
void sc_late_free(ScLateGradients *);

#endif
