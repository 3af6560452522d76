// The weight gradient of depthwise convolutions in vectors of 8 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX2
#define SC_LANES 8
#include "kernels/cpu/depthwise_loops.h"

const ScDepthwiseWay sc_depthwise_avx2 = {weight_gradient};
