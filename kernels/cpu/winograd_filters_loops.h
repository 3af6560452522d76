// Filters of convolutions by tiles (see winograd.h) for one size of vectors.
#ifndef SCUTE_CPU_WINOGRAD_FILTERS_LOOPS_H
#define SCUTE_CPU_WINOGRAD_FILTERS_LOOPS_H

#include "kernels/cpu/winograd_tiles.h"

#include "kernels/cpu/winograd_way.h"

enum { TAPS = 9 };

typedef struct {
   const void *plain; // (O, 3, 3, C)
   int64_t o, c;      // of plain
   bool half, turned;
} Filters;

SC_INLINE void expand(Lanes to[TILE], const Lanes *g, int at) {
   const float na = 1 / (2 * A2 * (A2 - B2)), nb = 1 / (2 * B2 * (B2 - A2));
   const Lanes even_a = na * g[0] + (na * A2) * g[2 * at], odd_a = (na * A) * g[at];
   const Lanes even_b = nb * g[0] + (nb * B2) * g[2 * at], odd_b = (nb * B) * g[at];
   to[0] = g[0];
   to[1] = even_a + odd_a;
   to[2] = even_a - odd_a;
   to[3] = even_b + odd_b;
   to[4] = even_b - odd_b;
   to[5] = g[2 * at];
}

// A vector of filters, into EACH places that are `apart` floats apart.
SC_INLINE void transform(const Lanes taps[TAPS], float *to, int64_t apart) {
   Lanes rows[3][TILE], column[TILE];
   for (int y = 0; y < 3; y++) expand(rows[y], taps + 3 * y, 1);
   for (int j = 0; j < TILE; j++) {
      expand(column, &rows[0][j], TILE);
      for (int i = 0; i < TILE; i++) memcpy(to + (i * TILE + j) * apart, &column[i], sizeof(Lanes));
   }
}

SC_INLINE void load(Lanes *to, const Filters *f, int64_t o, int tap, int64_t c, bool half) {
   sc_lanes_load(to, sc_past(f->plain, (o * TAPS + tap) * f->c + c, half), half);
}

// Rows become columns: each round turns the bits of (row, column) by one.
SC_INLINE void transpose(Lanes m[LANES]) {
   for (int rows = 1; rows < LANES; rows *= 2) {
      Lanes next[LANES];
      for (int k = 0; k < LANES / 2; k++) {
         next[2 * k] = __builtin_shufflevector(m[k], m[k + LANES / 2], SC_LOW_HALVES);
         next[2 * k + 1] = __builtin_shufflevector(m[k], m[k + LANES / 2], SC_HIGH_HALVES);
      }
      memcpy(m, next, sizeof next);
   }
}

// LANES filters from number `o` on, of LANES channels from `c` on.
SC_INLINE void square(const Filters *f, int64_t o, int64_t c, float *to, int64_t apart, bool half) {
   Lanes taps[TAPS][LANES];
   for (int t = 0; t < TAPS; t++) {
      for (int i = 0; i < LANES; i++) load(&taps[t][i], f, o + i, t, c, half);
      transpose(taps[t]);
   }
   for (int i = 0; i < LANES; i++) {
      Lanes each[TAPS];
      for (int t = 0; t < TAPS; t++) each[t] = taps[t][i];
      transform(each, to + i * BLOCK, apart);
   }
}

// The same where outputs are inputs, and filters are turned round.
SC_INLINE void turned_square(const Filters *f, int64_t c, int64_t o, float *to, int64_t apart, bool half) {
   for (int i = 0; i < LANES; i++) {
      Lanes each[TAPS];
      for (int t = 0; t < TAPS; t++) load(&each[t], f, o + i, TAPS - 1 - t, c, half);
      transform(each, to + i * BLOCK, apart);
   }
}

// Of one block of `width` channels, LANES input channels from `in` on.
static void part_of_block(const Filters *f, int64_t block, int64_t width, int64_t in, float *to,
                          int64_t apart) {
   for (int64_t l = 0; l < width; l += LANES) {
      int64_t out = block * BLOCK + l;
      if (f->turned && f->half)
         turned_square(f, out, in, to + l, apart, true);
      else if (f->turned)
         turned_square(f, out, in, to + l, apart, false);
      else if (f->half)
         square(f, out, in, to + l, apart, true);
      else
         square(f, out, in, to + l, apart, false);
   }
}

static void transform_filters(const ScConv *g, bool turned, bool half, const void *plain, float *filters) {
   Filters f = {plain, turned ? g->c : g->o, turned ? g->o : g->c, half, turned};
   int64_t apart = sc_winograd_filter_step(g->c);
#pragma omp parallel for collapse(2)
   for (int64_t block = 0; block < sc_winograd_blocks(g->o); block++)
      for (int64_t in = 0; in < g->c; in += LANES)
         part_of_block(&f, block, sc_winograd_width(g->o, block), in,
                       filters + block * EACH * apart + in * BLOCK, apart);
}

#endif
