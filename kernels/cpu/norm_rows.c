#include "kernels/cpu/norm_rows.h"

#include "kernels/cpu/onednn.h"

static const ScNormRowsWay *way(void) {
   if (sc_cpu_is_wide()) return &sc_norm_rows_avx512;
   return sc_cpu_has_fma() ? &sc_norm_rows_avx2 : &sc_norm_rows_any;
}

void sc_normed_rows(const ScNormedRows *r, int64_t from, int64_t to) {
   way()->rows(r, from, to);
}

void sc_normed_rows_gradients(const ScNormedRows *r, int64_t from, int64_t to, float *part, double *sums) {
   way()->gradients(r, from, to, part, sums);
}
