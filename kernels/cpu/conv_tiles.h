// conv2d by transformed tiles, where that is the faster way. Each says in *done whether the result is there:
// not where this is none of those convolutions, or numbers were not finite.
#ifndef SCUTE_CPU_CONV_TILES_H
#define SCUTE_CPU_CONV_TILES_H

#include "host/core/op.h"

ScStatus sc_conv_tiles_forward(ScCall *, bool *done);
ScStatus sc_conv_tiles_input_gradient(ScCall *, bool *done);
// Not the bias's.
ScStatus sc_conv_tiles_weight_gradient(ScCall *, bool *done);

#endif
