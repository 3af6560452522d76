// What the three directions of a convolution by transformed tiles share (see winograd.h): how the pixels below
// a tile are found and transformed. Include it first but for clones.h.
#ifndef SCUTE_CPU_WINOGRAD_TILES_H
#define SCUTE_CPU_WINOGRAD_TILES_H

#include "kernels/cpu/lanes.h"

#include "kernels/cpu/winograd_geometry.h"

// Vectors of a block of channels, of which TOGETHER are summed in registers: of 16 floats there are 32
// registers, of 8 there are 16. At the end of a block that is not full there may be fewer.
enum { VECTORS = BLOCK / LANES, TOGETHER = LANES == 16 ? 4 : 2, MOST_TOGETHER = 4 };

// Makes a loop of each number of vectors: `one` is a macro of the number.
#define SC_OF_VECTORS(n, one)                                                                                  \
   do {                                                                                                        \
      if ((n) == TOGETHER)                                                                                     \
         one(TOGETHER);                                                                                        \
      else if ((n) == 3)                                                                                       \
         one(3);                                                                                               \
      else if ((n) == 2)                                                                                       \
         one(2);                                                                                               \
      else                                                                                                     \
         one(1);                                                                                               \
   } while (0)

// Polynomials are evaluated at 0, A, -A, B, -B and infinity: with A * B = 1 rounding is least.
#define A  0.70710678118654752f
#define A2 0.5f
#define A3 (A * A2)
#define B  1.41421356237309505f
#define B2 2.0f
#define B3 (B * B2)

// Where the input pixels of a tile begin; NULL for those outside, which are zero.
static inline void sc_tile_pixels(const void *from[TILE][TILE], const ScConv *g, const void *x, ScTile at,
                                  bool half) {
   for (int i = 0; i < TILE; i++)
      for (int j = 0; j < TILE; j++) {
         int64_t row = at.top - g->ph + i, column = at.left - g->pw + j;
         bool inside = row >= 0 && row < g->h && column >= 0 && column < g->w;
         from[i][j] = inside ? sc_past(x, ((at.n * g->h + row) * g->w + column) * g->c, half) : NULL;
      }
}

SC_INLINE void sc_tile_transform(Lanes to[TILE], const Lanes *x, int at) {
   const Lanes x0 = x[0], x1 = x[at], x2 = x[2 * at], x3 = x[3 * at], x4 = x[4 * at], x5 = x[5 * at];
   Lanes even_a = x4 - B2 * x2, odd_a = A * (x3 - B2 * x1);
   Lanes even_b = x4 - A2 * x2, odd_b = B * (x3 - A2 * x1);
   to[0] = x4 + (A2 * B2) * x0 - (A2 + B2) * x2;
   to[1] = even_a + odd_a;
   to[2] = even_a - odd_a;
   to[3] = even_b + odd_b;
   to[4] = even_b - odd_b;
   to[5] = x5 + (A2 * B2) * x1 - (A2 + B2) * x3;
}

// The channels from number `c` on, into EACH places that are `apart` floats apart.
SC_INLINE void sc_tile_input(const void *from[TILE][TILE], int64_t c, float *to, int64_t apart, bool half) {
   Lanes rows[TILE][TILE], column[TILE];
   for (int i = 0; i < TILE; i++) {
      Lanes row[TILE] = {0};
      for (int j = 0; j < TILE; j++)
         if (from[i][j]) sc_lanes_load(&row[j], sc_past(from[i][j], c, half), half);
      sc_tile_transform(rows[i], row, 1);
   }
   for (int j = 0; j < TILE; j++) {
      sc_tile_transform(column, &rows[0][j], TILE);
      for (int i = 0; i < TILE; i++) memcpy(to + (i * TILE + j) * apart, &column[i], sizeof(Lanes));
   }
}

// Of sums of value - value: whether every value was finite.
SC_INLINE bool sc_lanes_are_zero(const Lanes *sum) {
   bool zero = true;
   for (int l = 0; l < LANES; l++) zero = zero && (*sum)[l] == 0;
   return zero;
}

#endif
