// Gradients of filters in bf16, by the processor's products of pairs.
#include "kernels/cpu/clones.h"
SC_FOR_AVX512
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/cpu/filter_gradient_way.h"
#include "kernels/cpu/half.h"

enum { LANES = 16, VECTORS = 2, HIGH = 8, WIDE = VECTORS * LANES, PIXELS = 1344, PER_WORD = 2 };
enum { FILLED_QUARTERS = 4, LEAST_WINDOW = 1 };

// The numbers at the same place of two images, which the processor multiplies and adds as one: of two pixels it
// could not be those that the taps of a filter need.
typedef uint16_t Number;
typedef uint32_t Word;

// `n` numbers of each of two images; the second may be absent (NULL).
SC_INLINE void pack(Word *to, const Number *a, const Number *b, int64_t n) {
   typedef Number Halves __attribute__((vector_size(2 * HIGH)));
   typedef Word Words __attribute__((vector_size(4 * HIGH)));
   int64_t i = 0;
   for (; i + HIGH <= n; i += HIGH) {
      Halves low, high = {0};
      memcpy(&low, a + i, sizeof low);
      if (b) memcpy(&high, b + i, sizeof high);
      Words both = __builtin_convertvector(low, Words) | __builtin_convertvector(high, Words) << 16;
      memcpy(to + i, &both, sizeof both);
   }
   for (; i < n; i++) to[i] = a[i] | (b ? (Word)b[i] << 16 : 0);
}

#if defined(__x86_64__)
__attribute__((target("avx512bf16"))) static void multiply(const ScWalk *k, const Word *x, const Word *dy,
                                                           float *sums, bool first) {
   __m512 sum[HIGH][VECTORS];
#pragma GCC unroll 16
   for (int i = 0; i < HIGH * VECTORS; i++)
      sum[i / VECTORS][i % VECTORS] = first ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + i * LANES);
   for (int64_t image = 0; image < k->images; image++)
      for (int64_t row = 0; row < k->rows; row++) {
         const Word *from = x + image * k->x_image + row * k->x_row;
         const Word *each = dy + image * k->dy_image + row * k->dy_row;
         for (int64_t i = 0; i < k->columns; i++, from += k->x_pixel, each += HIGH) {
            __m512bh x0 = (__m512bh)_mm512_loadu_si512(from), x1 = (__m512bh)_mm512_loadu_si512(from + LANES);
#pragma GCC unroll 8
            for (int r = 0; r < HIGH; r++) {
               __m512bh pair = (__m512bh)_mm512_set1_epi32((int)each[r]);
               sum[r][0] = _mm512_dpbf16_ps(sum[r][0], pair, x0);
               sum[r][1] = _mm512_dpbf16_ps(sum[r][1], pair, x1);
            }
         }
      }
#pragma GCC unroll 16
   for (int i = 0; i < HIGH * VECTORS; i++) _mm512_storeu_ps(sums + i * LANES, sum[i / VECTORS][i % VECTORS]);
}
#else
static void multiply(const ScWalk *k, const Word *x, const Word *dy, float *sums, bool first) {
   (void)k, (void)x, (void)dy, (void)sums, (void)first; // sc_filter_gradient_fits says no
}
#endif

SC_INLINE void store(Number *to, const float *from, int64_t n) {
   for (int64_t i = 0; i < n; i++) to[i] = sc_narrow(from[i]);
}

#include "kernels/cpu/filter_gradient_loops.h"

// An odd image is multiplied with an absent one.
static bool pairs_up(const ScConv *g) {
   return g->n % 2 == 0 || g->n > 8;
}

static bool fits(const ScConv *g) {
   return pairs_up(g) && g->o % HIGH == 0 && fits_blocks(g);
}

const ScFilterGradientWay sc_filter_gradient_bf16 = {fits, run};
