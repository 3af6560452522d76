// Convolutions by tiles (see winograd.h) for one size of vectors.
#ifndef SCUTE_CPU_WINOGRAD_FORWARD_LOOPS_H
#define SCUTE_CPU_WINOGRAD_FORWARD_LOOPS_H

#include "kernels/cpu/winograd_tiles.h"

#include "kernels/cpu/lanes_silu.h"

#include <omp.h>
#include <stdatomic.h>

#include "kernels/cpu/winograd_way.h"

// The products of a tile are EACH independent matrix products (tiles, C) x (C, O), which are computed ROWS
// tiles and TOGETHER vectors of output channels at a time. MOST_TILES are a task.
enum { MOST_TILES = 8 * ROWS };
enum { IN_A_ROW = 32 }; // channels: sums of sums round less

typedef struct {
   const ScWinograd *z;
   ScTiles t;
   int64_t tiles, tasks;           // tiles of a task
   int64_t v_step, u_step, m_step; // from one of EACH to the next, in floats
} Forward;

// ---- input: transformed tiles (EACH, tiles, C) ----

static void input_tiles(const Forward *w, int64_t first, int64_t n, float *v) {
   const ScConv *g = &w->z->g;
   for (int64_t i = 0; i < n; i++, v += g->c) {
      const void *from[TILE][TILE];
      sc_tile_pixels(from, g, w->z->x, sc_tile_at(&w->t, g, first + i), w->z->half);
      for (int64_t c = 0; c < g->c; c += LANES)
         if (w->z->half)
            sc_tile_input(from, c, v + c, w->v_step, true);
         else
            sc_tile_input(from, c, v + c, w->v_step, false);
   }
}

// ---- products: (ROWS tiles, C) x (C, vectors), of which there are at most TOGETHER ----

SC_INLINE void multiply_tile_vectors(const float *v, int64_t channels, int64_t n, const float *u, float *m,
                                     bool first, int vectors) {
   Lanes sum[ROWS][MOST_TOGETHER];
#pragma GCC unroll 6
   for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) sum[r][j] = (Lanes){0};
   for (int64_t c = 0; c < n; c++, u += BLOCK) {
      const Lanes *of_channel = (const Lanes *)u;
#pragma GCC unroll 6
      for (int r = 0; r < ROWS; r++) {
         float each = v[r * channels + c];
#pragma GCC unroll 4
         for (int j = 0; j < vectors; j++) sum[r][j] += each * of_channel[j];
      }
   }
#pragma GCC unroll 6
   for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) {
         Lanes *to = (Lanes *)(m + r * BLOCK + j * LANES);
         *to = first ? sum[r][j] : *to + sum[r][j];
      }
}

SC_INLINE void multiply_tiles(const float *v, int64_t channels, int64_t n, const float *u, float *m, bool first,
                              int64_t vectors) {
#define ONE(number) multiply_tile_vectors(v, channels, n, u, m, first, number)
   SC_OF_VECTORS(vectors, ONE);
#undef ONE
}

// Of ROWS tiles and the first `width` channels of a block.
SC_INLINE void multiply_rows(const float *v, int64_t channels, const float *u, float *m, int64_t width) {
   for (int64_t c = 0; c < channels; c += IN_A_ROW)
      for (int64_t j = 0; j < width; j += TOGETHER * LANES)
         multiply_tiles(v + c, channels, sc_least(IN_A_ROW, channels - c), u + c * BLOCK + j, m + j, c == 0,
                        sc_least(TOGETHER, (width - j) / LANES));
}

static void products(const Forward *w, int64_t block, int64_t n, const float *v, float *m) {
   int64_t channels = w->z->g.c, width = sc_winograd_width(w->z->g.o, block);
   for (int e = 0; e < EACH; e++) {
      const float *u = w->z->filters + (block * EACH + e) * w->u_step;
      for (int64_t tile = 0; tile < n; tile += ROWS)
         multiply_rows(v + e * w->v_step + tile * channels, channels, u, m + e * w->m_step + tile * BLOCK,
                       width);
   }
}

// ---- output ----

SC_INLINE void gather(Lanes to[OUT], const Lanes *m, int at) {
   const Lanes sum_a = m[at] + m[2 * at], difference_a = m[at] - m[2 * at];
   const Lanes sum_b = m[3 * at] + m[4 * at], difference_b = m[3 * at] - m[4 * at];
   to[0] = m[0] + sum_a + sum_b;
   to[1] = A * difference_a + B * difference_b;
   to[2] = A2 * sum_a + B2 * sum_b;
   to[3] = m[5 * at] + A3 * difference_a + B3 * difference_b;
}

// Of numbers, too.
SC_INLINE void activate(Lanes *v, ScAct act) {
   const Lanes zero = {0}, six = zero + 6.0f;
   if (act == SC_ACT_SILU) {
      sc_lanes_silu(v);
      return;
   }
   if (act != SC_ACT_NONE) *v = (Lanes)((Bits)*v & (Bits)(*v > zero));
   if (act == SC_ACT_RELU6) {
      Bits over = (Bits)(*v > six);
      *v = (Lanes)(((Bits)*v & ~over) | ((Bits)six & over));
   }
}

// `odd` stays zero as long as every output is finite.
SC_INLINE void output_pixel(const ScWinograd *z, const Lanes *sum, const Lanes *bias, int64_t at, Lanes *odd,
                            bool half) {
   Lanes value = *sum + *bias, residual;
   if (z->residual) {
      sc_lanes_load(&residual, sc_past(z->residual, at, half), half);
      value += residual;
   }
   *odd += value - value;
   activate(&value, z->act);
   sc_lanes_store(sc_past(z->y, at, half), &value, half);
}

SC_INLINE void output_tile(const Forward *w, int64_t tile, int64_t channel, const float *m, Lanes *odd,
                           bool half) {
   const ScWinograd *z = w->z;
   const ScConv *g = &z->g;
   ScTile to = sc_tile_at(&w->t, g, tile);
   Lanes columns[TILE][OUT], bias = {0};
   if (z->bias) sc_lanes_load(&bias, z->bias + channel, false);
   for (int j = 0; j < TILE; j++) {
      Lanes column[TILE];
      for (int i = 0; i < TILE; i++) sc_lanes_load(&column[i], m + (i * TILE + j) * w->m_step, false);
      gather(columns[j], column, 1);
   }
   for (int64_t y = 0; y < to.height; y++) {
      Lanes row[OUT];
      gather(row, &columns[0][y], OUT);
      int64_t at = ((to.n * g->oh + to.top + y) * g->ow + to.left) * g->o + channel;
#pragma GCC unroll 4
      for (int x = 0; x < OUT; x++, at += g->o)
         if (x < to.width) output_pixel(z, &row[x], &bias, at, odd, half);
   }
}

static bool output_tiles(const Forward *w, int64_t first, int64_t n, int64_t block, const float *m) {
   Lanes odd = {0};
   int64_t width = sc_winograd_width(w->z->g.o, block);
   for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < width; c += LANES) {
         const float *of_tile = m + i * BLOCK + c;
         if (w->z->half)
            output_tile(w, first + i, block * BLOCK + c, of_tile, &odd, true);
         else
            output_tile(w, first + i, block * BLOCK + c, of_tile, &odd, false);
      }
   return sc_lanes_are_zero(&odd);
}

// ---- all of it ----

static bool run_task(const Forward *w, int64_t task, float *v, float *m) {
   int64_t first = task * w->tiles, n = sc_least(w->tiles, w->t.all - first);
   bool finite = true;
   input_tiles(w, first, n, v);
   for (int64_t block = 0; block < sc_winograd_blocks(w->z->g.o); block++) {
      products(w, block, n, v, m);
      if (!output_tiles(w, first, n, block, m)) finite = false;
   }
   return finite;
}

static Forward plan(const ScWinograd *z, int threads) {
   const ScConv *g = &z->g;
   Forward w = {.z = z, .t = sc_tiles_of(g)};
   w.tiles = sc_least(MOST_TILES, ((w.t.all + threads - 1) / threads + ROWS - 1) / ROWS * ROWS);
   w.tasks = (w.t.all + w.tiles - 1) / w.tiles;
   w.v_step = w.tiles * g->c + GAP;
   w.u_step = sc_winograd_filter_step(g->c);
   w.m_step = w.tiles * BLOCK + GAP;
   return w;
}

static ScStatus run_forward(ScDevice *device, const ScWinograd *z, bool *finite) {
   int threads = omp_get_max_threads();
   Forward w = plan(z, threads);
   int64_t floats = EACH * (w.v_step + w.m_step);
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, device, (size_t)(threads * floats) * sizeof(float)));
   bool all_finite = true;
   atomic_llong next = 0;
#pragma omp parallel reduction(&& : all_finite)
   {
      float *v = (float *)scratch->data + omp_get_thread_num() * floats;
      for (int64_t task; (task = atomic_fetch_add(&next, 1)) < w.tasks;)
         all_finite = run_task(&w, task, v, v + EACH * w.v_step) && all_finite;
   }
   sc_buffer_release(scratch);
   *finite = all_finite;
   return SC_OK;
}

#endif
