// Rows that are normalised in vectors of 8 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX2
#define SC_LANES 8
#include "kernels/cpu/norm_rows_loops.h"

const ScNormRowsWay sc_norm_rows_avx2 = {normed_rows, normed_rows_gradients};
