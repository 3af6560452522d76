// The weight gradient of depthwise convolutions in vectors of 4 floats.
#define SC_LANES 4
#include "kernels/cpu/depthwise_loops.h"

const ScDepthwiseWay sc_depthwise_any = {weight_gradient};
