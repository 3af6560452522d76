// Rows that are normalised in vectors of 16 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX512
#define SC_LANES 16
#include "kernels/cpu/norm_rows_loops.h"

const ScNormRowsWay sc_norm_rows_avx512 = {normed_rows, normed_rows_gradients};
