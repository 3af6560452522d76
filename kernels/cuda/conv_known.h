// Which algorithm was the fastest for a convolution: kept while the program runs, with a run's checkpoint, and
// in a file for programs to come.
//
// The file is $SCUTE_CUDA_CACHE, else scute/convolutions in $XDG_CACHE_HOME or ~/.cache; none where
// SCUTE_CUDA_CACHE is empty. It only grows, a line at a time: which GPU and cuDNN, which convolution, which
// algorithm, and a checksum; of several lines for one convolution the last counts. What is no such line, or of
// another GPU or cuDNN, is passed over; where it cannot be written, nothing is.
#ifndef SCUTE_CUDA_CONV_KNOWN_H
#define SCUTE_CUDA_CONV_KNOWN_H

#include "kernels/cuda/conv_algorithm.h"

// Whether it is known, and which; from then on it is one that the program uses.
bool sc_conv_recall(const ScDevice *, const ScConvKey *, ScConvChoice *);
// Whether the program uses one that is the same but for having more photos.
bool sc_conv_is_rest_of_used(const ScDevice *, const ScConvKey *);
// For the program and the checkpoints of its runs; and for programs to come, too.
void sc_conv_keep(const ScDevice *, const ScConvKey *, const ScConvChoice *);
void sc_conv_learn(const ScDevice *, const ScConvKey *, const ScConvChoice *);

// Those that the program has used so far, as lines of such a file; to be freed. NULL: out of memory.
char *sc_conv_used(ScDevice *);
// Takes such lines for what is known, before all else; plans that were made before are to be dropped. Whether
// they are of this GPU and cuDNN; if not, nothing changes.
bool sc_conv_take(ScDevice *, const char *lines);

#endif
