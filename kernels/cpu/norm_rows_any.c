// Rows that are normalised in vectors of 4 floats.
#define SC_LANES 4
#include "kernels/cpu/norm_rows_loops.h"

const ScNormRowsWay sc_norm_rows_any = {normed_rows, normed_rows_gradients};
