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

// A run that goes on from a checkpoint comes to what it would have come to, and the next run to what the first
// did: what other programs have timed is taken where a program without them would time, and not before; and
// where there is no file in which a run that goes on would find it, nothing is timed after a checkpoint.

// Whether the program uses one, and which.
bool sc_conv_in_use(const ScDevice *, const ScConvKey *, ScConvChoice *);
// The same, also of one that another program has timed, which is in use from then on.
bool sc_conv_recall(const ScDevice *, const ScConvKey *, ScConvChoice *);
// Whether those that go on from the last checkpoint would learn what is timed now.
bool sc_conv_may_time(const ScDevice *);
// Whether the program uses one that is the same but for having more photos.
bool sc_conv_is_rest_of_used(const ScDevice *, const ScConvKey *);
// For the program and the checkpoints of its runs; and for programs to come, too.
void sc_conv_keep(const ScDevice *, const ScConvKey *, const ScConvChoice *);
void sc_conv_learn(const ScDevice *, const ScConvKey *, const ScConvChoice *);

// Those that the program has used so far, as lines of such a file, for a checkpoint; to be freed. NULL: out of
// memory.
char *sc_conv_used(ScDevice *);
// Takes the lines of a checkpoint for what is known, before all else; none for a run that begins, which knows
// nothing of those before it in the program, as one in another would not. Plans that were made before are to be
// dropped. Whether they are of this GPU and cuDNN; if not, nothing is known of them.
bool sc_conv_take(ScDevice *, const char *lines);

#endif
