// Convolutions by tiles in vectors of 8 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX2
#define SC_LANES 8
#include "kernels/cpu/winograd_filters_loops.h"
#include "kernels/cpu/winograd_forward_loops.h"
#include "kernels/cpu/winograd_gradient_loops.h"
#include "kernels/cpu/winograd_way.h"

const ScWinogradWay sc_winograd_avx2 = {run_forward, run_gradient, transform_filters};
