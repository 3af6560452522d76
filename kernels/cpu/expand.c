#include "kernels/cpu/expand.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels/cpu/clones.h"
#include "kernels/cpu/lanes.h"
#include "kernels/cpu/lanes_silu.h"

// PIXELS and BLOCK output channels are computed together, so that all sums stay in registers.
enum { PIXELS = 8, VECTORS = 3, BLOCK = VECTORS * LANES, MOST_CHANNELS = 128, TASK = 32 * PIXELS };

// ---- f32 ----

SC_INLINE void multiply(Lanes sum[PIXELS][VECTORS], const float *const x[PIXELS], int64_t channels,
                        const Lanes *filters) {
   for (int64_t c = 0; c < channels; c++, filters += VECTORS) {
      Lanes u0 = filters[0], u1 = filters[1], u2 = filters[2];
#pragma GCC unroll 8
      for (int p = 0; p < PIXELS; p++) {
         float each = x[p][c];
         sum[p][0] += each * u0;
         sum[p][1] += each * u1;
         sum[p][2] += each * u2;
      }
   }
}

// `n` pixels from number `first` on.
SC_INLINE void run_block(const ScExpand *z, int64_t first, int64_t n, int64_t block) {
   const float *x[PIXELS];
   float *y = (float *)z->y + first * z->g.o + block * BLOCK;
   Lanes sum[PIXELS][VECTORS];
#pragma GCC unroll 8
   for (int p = 0; p < PIXELS; p++) {
      x[p] = (const float *)z->x + (first + (p < n ? p : 0)) * z->g.c;
#pragma GCC unroll 3
      for (int j = 0; j < VECTORS; j++) memcpy(&sum[p][j], z->bias + block * BLOCK + j * LANES, sizeof(Lanes));
   }
   multiply(sum, x, z->g.c, (const Lanes *)((const float *)z->filters + block * z->g.c * BLOCK));
#pragma GCC unroll 8
   for (int p = 0; p < PIXELS; p++)
#pragma GCC unroll 3
      for (int j = 0; j < VECTORS; j++)
         if (p < n) {
            sc_lanes_silu(&sum[p][j]);
            memcpy(y + p * z->g.o + j * LANES, &sum[p][j], sizeof(Lanes));
         }
}

SC_CLONES static void run_task(const ScExpand *z, int64_t first, int64_t end) {
   for (; first < end; first += PIXELS)
      for (int64_t block = 0; block < z->g.o / BLOCK; block++)
         run_block(z, first, end - first < PIXELS ? end - first : PIXELS, block);
}

// ---- bf16: pairs of channels, where the processor multiplies such ----

#if defined(__x86_64__)
#define SC_TARGET __attribute__((target("arch=x86-64-v4,avx512bf16")))
#define SC_PART   SC_TARGET static inline __attribute__((always_inline))

SC_PART __m512bh pairs_at(const uint16_t *from) {
   return (__m512bh)_mm512_loadu_si512(from);
}

SC_PART void multiply_pairs(__m512 sum[PIXELS][VECTORS], const uint16_t *const x[PIXELS], int64_t channels,
                            const uint16_t *filters) {
   for (int64_t c = 0; c < channels; c += 2, filters += 2 * BLOCK) {
      __m512bh u0 = pairs_at(filters), u1 = pairs_at(filters + 2 * LANES), u2 = pairs_at(filters + 4 * LANES);
#pragma GCC unroll 8
      for (int p = 0; p < PIXELS; p++) {
         int pair;
         memcpy(&pair, x[p] + c, sizeof pair);
         __m512bh each = (__m512bh)_mm512_set1_epi32(pair);
         sum[p][0] = _mm512_dpbf16_ps(sum[p][0], each, u0);
         sum[p][1] = _mm512_dpbf16_ps(sum[p][1], each, u1);
         sum[p][2] = _mm512_dpbf16_ps(sum[p][2], each, u2);
      }
   }
}

SC_PART void run_half_block(const ScExpand *z, int64_t first, int64_t n, int64_t block) {
   const uint16_t *x[PIXELS];
   uint16_t *y = (uint16_t *)z->y + first * z->g.o + block * BLOCK;
   __m512 sum[PIXELS][VECTORS];
#pragma GCC unroll 8
   for (int p = 0; p < PIXELS; p++) {
      x[p] = (const uint16_t *)z->x + (first + (p < n ? p : 0)) * z->g.c;
#pragma GCC unroll 3
      for (int j = 0; j < VECTORS; j++) sum[p][j] = _mm512_loadu_ps(z->bias + block * BLOCK + j * LANES);
   }
   multiply_pairs(sum, x, z->g.c, (const uint16_t *)z->filters + block * z->g.c * BLOCK);
#pragma GCC unroll 8
   for (int p = 0; p < PIXELS; p++)
#pragma GCC unroll 3
      for (int j = 0; j < VECTORS; j++)
         if (p < n) {
            Lanes value = (Lanes)sum[p][j];
            sc_lanes_silu(&value);
            __m256i halves = (__m256i)_mm512_cvtneps_pbh((__m512)value);
            _mm256_storeu_si256((__m256i *)(y + p * z->g.o + j * LANES), halves);
         }
}

SC_TARGET static void run_half_task(const ScExpand *z, int64_t first, int64_t end) {
   for (; first < end; first += PIXELS)
      for (int64_t block = 0; block < z->g.o / BLOCK; block++)
         run_half_block(z, first, end - first < PIXELS ? end - first : PIXELS, block);
}
#else
static void run_half_task(const ScExpand *z, int64_t first, int64_t end) {
   (void)z, (void)first, (void)end; // sc_expand_fits says no
}
#endif

void sc_expand(const ScExpand *z) {
   int64_t pixels = z->g.n * z->g.h * z->g.w;
#pragma omp parallel for
   for (int64_t first = 0; first < pixels; first += TASK)
      (z->half ? run_half_task : run_task)(z, first, first + TASK < pixels ? first + TASK : pixels);
}

bool sc_expand_fits(const ScConv *g, ScAct act, bool half) {
   if (half && sc_cpu_has_amx()) return false; // oneDNN's are faster there
   bool one =
       g->kh == 1 && g->kw == 1 && g->sh == 1 && g->sw == 1 && g->ph == 0 && g->pw == 0 && g->groups == 1;
   return one && act == SC_ACT_SILU && g->c <= MOST_CHANNELS && g->c % 2 == 0 && g->o % BLOCK == 0 &&
          sc_cpu_is_wide();
}

// ---- filters: (O / BLOCK, C, BLOCK), or (O / BLOCK, C / 2, BLOCK, 2) in bf16 ----

size_t sc_expand_filter_bytes(const ScConv *g, bool half) {
   return (size_t)(g->o * g->c) * (half ? sizeof(uint16_t) : sizeof(float));
}

static int64_t place_of(const ScConv *g, int64_t o, int64_t c, bool half) {
   int64_t block = o / BLOCK * g->c * BLOCK, at = o % BLOCK;
   return block + (half ? c / 2 * 2 * BLOCK + at * 2 + c % 2 : c * BLOCK + at);
}

void sc_expand_filters(const ScConv *g, const float *plain, bool half, void *filters) {
   for (int64_t o = 0; o < g->o; o++)
      for (int64_t c = 0; c < g->c; c++) sc_set(filters, place_of(g, o, c, half), half, plain[o * g->c + c]);
}
