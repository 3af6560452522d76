// Convolutions by tiles in vectors of 16 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX512
#define SC_LANES 16
#include "kernels/cpu/winograd_filters_loops.h"
#include "kernels/cpu/winograd_forward_loops.h"
#include "kernels/cpu/winograd_gradient_loops.h"
#include "kernels/cpu/winograd_way.h"

const ScWinogradWay sc_winograd_avx512 = {run_forward, run_gradient, transform_filters};
