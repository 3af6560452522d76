// Gradients of filters in f32, in vectors of 8 floats.
#include "kernels/cpu/clones.h"
SC_FOR_AVX2
#define SC_LANES 8
#include "kernels/cpu/lanes.h"

#include "kernels/cpu/filter_gradient_way.h"

enum { VECTORS = 2, HIGH = 6, WIDE = VECTORS * LANES, PIXELS = 1344, PER_WORD = 1 };
enum { FILLED_QUARTERS = 3, LEAST_WINDOW = 3 * LANES }; // 3 x 3 x 3: oneDNN's takes 0.6 of the time

typedef float Number;
typedef float Word;

SC_INLINE void pack(Word *to, const Number *from, const Number *none, int64_t n) {
   (void)none;
   memcpy(to, from, (size_t)n * sizeof *to);
}

static void multiply(const ScWalk *k, const Word *x, const Word *dy, float *sums, bool first) {
   Lanes sum[HIGH * VECTORS], before;
#pragma GCC unroll 12
   for (int i = 0; i < HIGH * VECTORS; i++) {
      sc_lanes_load(&before, sums + i * LANES, false);
      sum[i] = first ? (Lanes){0} : before;
   }
   for (int64_t image = 0; image < k->images; image++)
      for (int64_t row = 0; row < k->rows; row++) {
         const Word *from = x + image * k->x_image + row * k->x_row;
         const Word *each = dy + image * k->dy_image + row * k->dy_row;
         for (int64_t i = 0; i < k->columns; i++, from += k->x_pixel, each += HIGH) {
            Lanes x0, x1;
            sc_lanes_load(&x0, from, false);
            sc_lanes_load(&x1, from + LANES, false);
#pragma GCC unroll 6
            for (int r = 0; r < HIGH; r++) {
               sum[r * VECTORS] += each[r] * x0;
               sum[r * VECTORS + 1] += each[r] * x1;
            }
         }
      }
#pragma GCC unroll 12
   for (int i = 0; i < HIGH * VECTORS; i++) sc_lanes_store(sums + i * LANES, &sum[i], false);
}

SC_INLINE void store(Number *to, const float *from, int64_t n) {
   memcpy(to, from, (size_t)n * sizeof *to);
}

#include "kernels/cpu/filter_gradient_loops.h"

static bool fits(const ScConv *g) {
   return fits_blocks(g);
}

const ScFilterGradientWay sc_filter_gradient_avx2 = {fits, run};
