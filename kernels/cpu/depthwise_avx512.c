// The weight gradient of depthwise convolutions in vectors of 16 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX512
#define SC_LANES 16
#include "kernels/cpu/depthwise_loops.h"

const ScDepthwiseWay sc_depthwise_avx512 = {weight_gradient};
