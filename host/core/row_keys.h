// Random numbers that belong to samples: while keys are set, what is drawn for the rows of a tensor that has as
// many of them as there are keys (dropout, stochastic depth) follows from each row's own key and from the
// number of the draw. So it depends neither on the batch that a sample is in nor on the process that computes
// it.
#ifndef SCUTE_ROW_KEYS_H
#define SCUTE_ROW_KEYS_H

#include "host/core/op.h"

SC_API_BEGIN

// Sets the keys (N) i64 of the samples that come, and counts draws from 0; NULL (the start): there are none.
// Retains them.
ScStatus sc_row_keys_set(ScTensor *keys);
ScTensor *sc_row_keys(void);

// For an op's infer: input `keys` is NULL, or there is one for each row of input `x`.
ScStatus sc_want_row_keys(const ScCall *, int x, int keys);

// For an op that draws (in forward): puts the keys that are set into input `keys`, where they fit input `x` and
// none were given; and finds the seed and the stream, which for those is the number of the draw.
void sc_row_keys_begin(ScCall *, int x, int keys, ScAttr *seed, ScAttr *stream);
// In commit: that stream is used up.
void sc_row_keys_end(const ScCall *, int keys);

SC_API_END

#endif
