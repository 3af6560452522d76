// The gradient of filters by tiles (see winograd.h) for one size of vectors.
#ifndef SCUTE_CPU_WINOGRAD_GRADIENT_LOOPS_H
#define SCUTE_CPU_WINOGRAD_GRADIENT_LOOPS_H

#include "kernels/cpu/winograd_tiles.h"

#include "kernels/cpu/winograd_way.h"

// Tiles of a chunk, of which what is transformed is kept; output channels that are summed up together.
enum { CHUNK_TILES = 64, FILTER_ROWS = 4 };

typedef struct {
   const ScWinogradGradient *z;
   ScTiles t;
   int64_t tiles;  // of a chunk
   float *inputs;  // (blocks of C, EACH, tiles, BLOCK)
   float *outputs; // (O / LANES, EACH, tiles, LANES)
} Gradient;

// ---- what is transformed ----

SC_INLINE void spread(Lanes to[TILE], const Lanes *y, int at) {
   const Lanes y0 = y[0], y1 = y[at], y2 = y[2 * at], y3 = y[3 * at];
   const Lanes even_a = y0 + A2 * y2, odd_a = A * y1 + A3 * y3, even_b = y0 + B2 * y2, odd_b = B * y1 + B3 * y3;
   to[0] = y0;
   to[1] = even_a + odd_a;
   to[2] = even_a - odd_a;
   to[3] = even_b + odd_b;
   to[4] = even_b - odd_b;
   to[5] = y3;
}

SC_INLINE void output_lanes(const Gradient *w, ScTile at, int64_t channel, float *to, bool half) {
   const ScConv *g = &w->z->g;
   Lanes columns[OUT][TILE];
   for (int x = 0; x < OUT; x++) {
      Lanes column[OUT] = {0};
      for (int y = 0; y < OUT; y++) {
         int64_t pixel = (at.n * g->oh + at.top + y) * g->ow + at.left + x;
         if (y < at.height && x < at.width)
            sc_lanes_load(&column[y], sc_past(w->z->dy, pixel * g->o + channel, half), half);
      }
      spread(columns[x], column, 1);
   }
   for (int i = 0; i < TILE; i++) {
      Lanes row[TILE];
      spread(row, &columns[0][i], TILE);
      for (int j = 0; j < TILE; j++) memcpy(to + (i * TILE + j) * w->tiles * LANES, &row[j], sizeof(Lanes));
   }
}

SC_INLINE void tile_of(const Gradient *w, int64_t first, int64_t i, bool half) {
   const ScConv *g = &w->z->g;
   ScTile at = sc_tile_at(&w->t, g, first + i);
   const void *from[TILE][TILE];
   sc_tile_pixels(from, g, w->z->x, at, half);
   for (int64_t c = 0; c < g->c; c += LANES) {
      float *to = w->inputs + (c / BLOCK * EACH * w->tiles + i) * BLOCK + c % BLOCK;
      sc_tile_input(from, c, to, w->tiles * BLOCK, half);
   }
   for (int64_t o = 0; o < g->o; o += LANES)
      output_lanes(w, at, o, w->outputs + (o * EACH * w->tiles) + i * LANES, half);
}

static void transform_tile(const Gradient *w, int64_t first, int64_t i) {
   if (w->z->half)
      tile_of(w, first, i, true);
   else
      tile_of(w, first, i, false);
}

// ---- products: (FILTER_ROWS, tiles) x (tiles, vectors), of which there are at most TOGETHER ----

SC_INLINE void multiply_filter_vectors(const float *outputs, const float *inputs, int64_t n, Lanes *to,
                                       int vectors) {
   Lanes sum[FILTER_ROWS][MOST_TOGETHER];
#pragma GCC unroll 4
   for (int r = 0; r < FILTER_ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) sum[r][j] = (Lanes){0};
   for (int64_t i = 0; i < n; i++, outputs += LANES, inputs += BLOCK) {
      const Lanes *v = (const Lanes *)inputs;
#pragma GCC unroll 4
      for (int r = 0; r < FILTER_ROWS; r++) {
         float each = outputs[r];
#pragma GCC unroll 4
         for (int j = 0; j < vectors; j++) sum[r][j] += each * v[j];
      }
   }
#pragma GCC unroll 4
   for (int r = 0; r < FILTER_ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) to[r * VECTORS + j] = sum[r][j];
}

SC_INLINE void multiply_filters(const float *outputs, const float *inputs, int64_t n, Lanes *to,
                                int64_t vectors) {
#define ONE(number) multiply_filter_vectors(outputs, inputs, n, to, number)
   SC_OF_VECTORS(vectors, ONE);
#undef ONE
}

// ---- back to filters ----

SC_INLINE void collect(Lanes to[3], const Lanes *u, int at) {
   const float na = 1 / (2 * A2 * (A2 - B2)), nb = 1 / (2 * B2 * (B2 - A2));
   const Lanes sum_a = u[at] + u[2 * at], difference_a = u[at] - u[2 * at];
   const Lanes sum_b = u[3 * at] + u[4 * at], difference_b = u[3 * at] - u[4 * at];
   to[0] = u[0] + na * sum_a + nb * sum_b;
   to[1] = (na * A) * difference_a + (nb * B) * difference_b;
   to[2] = (na * A2) * sum_a + (nb * B2) * sum_b + u[5 * at];
}

// A vector of channels; from one of EACH to the next are LANES * BLOCK floats.
SC_INLINE void filter_lanes(const Lanes *sums, float *gradient, int64_t channels, bool first, Lanes *odd) {
   Lanes columns[TILE][3];
   for (int j = 0; j < TILE; j++) {
      Lanes column[TILE];
      for (int i = 0; i < TILE; i++) column[i] = sums[(i * TILE + j) * LANES * VECTORS];
      collect(columns[j], column, 1);
   }
   for (int y = 0; y < 3; y++) {
      Lanes row[3];
      collect(row, &columns[0][y], 3);
      for (int x = 0; x < 3; x++) {
         float *to = gradient + (3 * y + x) * channels;
         Lanes before = {0};
         if (!first) sc_lanes_load(&before, to, false);
         before += row[x];
         *odd += before - before;
         sc_lanes_store(to, &before, false);
      }
   }
}

// What a chunk of `n` tiles adds to the gradient of LANES filters in BLOCK channels. Says whether it is finite.
static bool run_unit(const Gradient *w, int64_t unit, int64_t n, bool first) {
   int64_t blocks = sc_winograd_blocks(w->z->g.c), o = unit / blocks, block = unit % blocks;
   int64_t vectors = sc_winograd_width(w->z->g.c, block) / LANES;
   Lanes sums[EACH][LANES][VECTORS];
   for (int e = 0; e < EACH; e++) {
      const float *inputs = w->inputs + (block * EACH + e) * w->tiles * BLOCK;
      const float *outputs = w->outputs + (o * EACH + e) * w->tiles * LANES;
      for (int r = 0; r < LANES; r += FILTER_ROWS)
         for (int64_t j = 0; j < vectors; j += TOGETHER)
            multiply_filters(outputs + r, inputs + j * LANES, n, &sums[e][r][j],
                             sc_least(TOGETHER, vectors - j));
   }
   Lanes odd = {0};
   for (int r = 0; r < LANES; r++)
      for (int64_t j = 0; j < vectors; j++) {
         int64_t at = (o * LANES + r) * TAPS * w->z->g.c + block * BLOCK + j * LANES;
         filter_lanes(&sums[0][r][j], w->z->gradient + at, w->z->g.c, first, &odd);
      }
   return sc_lanes_are_zero(&odd);
}

// ---- all of it ----

static bool run_chunk(const Gradient *w, int64_t first) {
   int64_t n = sc_least(w->tiles, w->t.all - first), units = w->z->g.o / LANES * sc_winograd_blocks(w->z->g.c);
   bool finite = true;
#pragma omp parallel reduction(&& : finite)
   {
#pragma omp for
      for (int64_t i = 0; i < n; i++) transform_tile(w, first, i);
#pragma omp for
      for (int64_t unit = 0; unit < units; unit++) finite = run_unit(w, unit, n, first == 0) && finite;
   }
   return finite;
}

static ScStatus run_gradient(ScDevice *device, const ScWinogradGradient *z, bool *finite) {
   Gradient w = {.z = z, .t = sc_tiles_of(&z->g)};
   w.tiles = sc_least(CHUNK_TILES, w.t.all);
   int64_t channels = sc_winograd_blocks(z->g.c) * BLOCK;
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, device, (size_t)(EACH * w.tiles * (channels + z->g.o)) * sizeof(float)));
   w.inputs = scratch->data;
   w.outputs = w.inputs + EACH * w.tiles * channels;
   *finite = true;
   for (int64_t first = 0; first < w.t.all && *finite; first += w.tiles) *finite = run_chunk(&w, first);
   sc_buffer_release(scratch);
   return SC_OK;
}

#endif
