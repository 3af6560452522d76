// Sums whose bits do not depend on how many processes there are. What each of them has computed comes in parts,
// and parts are added one after the other: first those of rank 0 in their order, then those of rank 1, and so
// on. So ((a + b) + c) + d is that, whether one process had all four or each had one.
#ifndef SCUTE_WORLD_ORDERED_H
#define SCUTE_WORLD_ORDERED_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

// totals[i] becomes totals[i] + the i-th tensor of each part. `mine` are the `parts` lists of this process, one
// behind another, each of n tensors like the totals or NULL, which counts as zeros. Totals start as zeros (so
// there is no -0 in them, and zeros add nothing); all processes give as many, f32 or f64 in memory of the
// host's, and the same `of`: how many parts there are in all, or more. Their memory is bounded by that, not by
// what is added: pieces of the totals are each added up by one process, in turns, and right in that one alone
// until sc_world_share_totals.
ScStatus sc_world_add_parts(int n, ScTensor *const *totals, int parts, ScTensor *const *mine, int of);

// Brings the pieces to all processes, once nothing more is to be added.
ScStatus sc_world_share_totals(int n, ScTensor *const *totals, int of);

SC_API_END

#endif
