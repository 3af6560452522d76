// What the three directions of a convolution by transformed tiles share (see winograd.h): the size of a tile,
// and how the pixels below it are found and transformed. Include it first but for the kernel's own header and
// clones.h.
#ifndef SCUTE_CPU_WINOGRAD_TILES_H
#define SCUTE_CPU_WINOGRAD_TILES_H

#include "kernels/cpu/lanes.h"

#include "host/ops/conv2d.h"

// TILE input pixels a side make OUT output pixels; the products of a tile are EACH independent ones.
enum { OUT = 4, TILE = 6, EACH = TILE * TILE, VECTORS = 4, BLOCK = VECTORS * LANES };

// Polynomials are evaluated at 0, A, -A, B, -B and infinity: with A * B = 1 rounding is least.
#define A  0.70710678118654752f
#define A2 0.5f
#define A3 (A * A2)
#define B  1.41421356237309505f
#define B2 2.0f
#define B3 (B * B2)

typedef struct {
   int64_t across, of_image, all; // tiles in a row, in an image, in the batch
} ScTiles;

static inline int64_t sc_least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static inline ScTiles sc_tiles_of(const ScConv *g) {
   ScTiles t = {.across = (g->ow + OUT - 1) / OUT};
   t.of_image = (g->oh + OUT - 1) / OUT * t.across;
   t.all = g->n * t.of_image;
   return t;
}

typedef struct {
   int64_t n, top, left, height, width; // of output pixels: where it begins, how many there are
} ScTile;

static inline ScTile sc_tile_at(const ScTiles *t, const ScConv *g, int64_t tile) {
   int64_t in_image = tile % t->of_image;
   ScTile at = {.n = tile / t->of_image, .top = in_image / t->across * OUT, .left = in_image % t->across * OUT};
   at.height = sc_least(OUT, g->oh - at.top);
   at.width = sc_least(OUT, g->ow - at.left);
   return at;
}

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
