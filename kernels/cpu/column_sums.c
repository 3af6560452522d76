#include "kernels/cpu/column_sums.h"

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

// Columns whose sums stay in registers, in float over a BLOCK of rows, before they go into the sums in double.
enum { STRIP = 64, LANES = 8, VECTORS = STRIP / LANES, BLOCK = 64, WORTH_THREADS = 1 << 15 };

typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));

SC_INLINE void add_vector(Floats *sum, const void *from, bool half) {
   Floats values;
   if (half) {
      Halves halves;
      memcpy(&halves, from, sizeof halves);
      values = (Floats)(__builtin_convertvector(halves, Bits) << 16);
   } else {
      memcpy(&values, from, sizeof values);
   }
   *sum += values;
}

SC_INLINE void add_block(double all[STRIP], const void *x, int64_t rows, int64_t columns, bool half) {
   Floats part[VECTORS];
#pragma GCC unroll 8
   for (int k = 0; k < VECTORS; k++) part[k] = (Floats){0};
   for (int64_t r = 0; r < rows; r++) {
      const void *row = sc_past(x, r * columns, half);
#pragma GCC unroll 8
      for (int k = 0; k < VECTORS; k++) add_vector(&part[k], sc_past(row, k * LANES, half), half);
   }
   for (int i = 0; i < STRIP; i++) all[i] += (double)part[i / LANES][i % LANES];
}

SC_INLINE void sum_strip(float *sums, const void *x, int64_t rows, int64_t columns, bool half) {
   double all[STRIP] = {0};
   for (int64_t r = 0; r < rows; r += BLOCK)
      add_block(all, sc_past(x, r * columns, half), rows - r < BLOCK ? rows - r : BLOCK, columns, half);
   for (int i = 0; i < STRIP; i++) sums[i] = (float)all[i];
}

// Of fewer columns than a strip has.
SC_INLINE void sum_rest(float *sums, const void *x, int64_t rows, int64_t columns, int64_t width, bool half) {
   double all[STRIP] = {0};
   for (int64_t r = 0; r < rows; r++)
      for (int64_t i = 0; i < width; i++) all[i] += (double)sc_at(x, r * columns + i, half);
   for (int64_t i = 0; i < width; i++) sums[i] = (float)all[i];
}

SC_INLINE void sum_from(float *sums, const void *x, int64_t rows, int64_t columns, int64_t from, bool half) {
   const void *start = sc_past(x, from, half);
   if (columns - from < STRIP)
      sum_rest(sums + from, start, rows, columns, columns - from, half);
   else
      sum_strip(sums + from, start, rows, columns, half);
}

SC_CLONES static void sum_columns(float *sums, const void *x, int64_t rows, int64_t columns, int64_t from,
                                  bool half) {
   if (half)
      sum_from(sums, x, rows, columns, from, true);
   else
      sum_from(sums, x, rows, columns, from, false);
}

void sc_column_sums(float *sums, const void *x, int64_t rows, int64_t columns, bool half) {
#pragma omp parallel for if (rows * columns >= WORTH_THREADS)
   for (int64_t from = 0; from < columns; from += STRIP) sum_columns(sums, x, rows, columns, from, half);
}
