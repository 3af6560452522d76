#include "kernels/cpu/winograd.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/lanes.h"

// TILE input pixels a side make OUT output pixels; the products of a tile are EACH independent matrix products
// (tiles, C) x (C, O), which are computed ROWS tiles and BLOCK output channels at a time.
enum { OUT = 4, TILE = 6, EACH = TILE * TILE, ROWS = 6, VECTORS = 4, BLOCK = VECTORS * LANES };
enum { MOST_TILES = 48, ENOUGH = 16 }; // tiles of a task, a multiple of ROWS

// Polynomials are evaluated at 0, A, -A, B, -B and infinity: with A * B = 1 rounding is least.
#define A  0.70710678118654752f
#define A2 0.5f
#define A3 (A * A2)
#define B  1.41421356237309505f
#define B2 2.0f
#define B3 (B * B2)

typedef struct {
   const ScWinograd *z;
   int64_t across, of_image, all; // tiles in a row, in an image, in the batch
   int64_t tiles, tasks;          // tiles of a task
   int64_t v_step, m_step;        // from one of EACH to the next, in floats
} Work;

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

// ---- input: transformed tiles (EACH, tiles, C) ----

SC_INLINE void transform(Lanes to[TILE], const Lanes *x, int at) {
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

// Where the pixels of a tile begin; NULL for those outside, which are zero.
static void find_pixels(const void *from[TILE][TILE], const Work *w, int64_t tile) {
   const ScConv *g = &w->z->g;
   int64_t n = tile / w->of_image, in_image = tile % w->of_image;
   int64_t top = in_image / w->across * OUT - g->ph, left = in_image % w->across * OUT - g->pw;
   for (int i = 0; i < TILE; i++)
      for (int j = 0; j < TILE; j++) {
         int64_t y = top + i, x = left + j;
         bool inside = y >= 0 && y < g->h && x >= 0 && x < g->w;
         from[i][j] = inside ? sc_past(w->z->x, ((n * g->h + y) * g->w + x) * g->c, w->z->half) : NULL;
      }
}

SC_INLINE void input_tile(const Work *w, const void *from[TILE][TILE], float *v, bool half) {
   for (int64_t c = 0; c < w->z->g.c; c += LANES) {
      Lanes rows[TILE][TILE], column[TILE];
      for (int i = 0; i < TILE; i++) {
         Lanes row[TILE] = {0};
         for (int j = 0; j < TILE; j++)
            if (from[i][j]) sc_lanes_load(&row[j], sc_past(from[i][j], c, half), half);
         transform(rows[i], row, 1);
      }
      for (int j = 0; j < TILE; j++) {
         transform(column, &rows[0][j], TILE);
         for (int i = 0; i < TILE; i++) memcpy(v + (i * TILE + j) * w->v_step + c, &column[i], sizeof(Lanes));
      }
   }
}

SC_CLONES static void input_tiles(const Work *w, int64_t first, int64_t n, float *v) {
   for (int64_t i = 0; i < n; i++, v += w->z->g.c) {
      const void *from[TILE][TILE];
      find_pixels(from, w, first + i);
      if (w->z->half)
         input_tile(w, from, v, true);
      else
         input_tile(w, from, v, false);
   }
}

// ---- products: (ROWS tiles, C) x (C, BLOCK) ----

SC_INLINE void multiply(const float *v, int64_t channels, const Lanes *u, float *m) {
   Lanes sum[ROWS][VECTORS];
#pragma GCC unroll 6
   for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < VECTORS; j++) sum[r][j] = (Lanes){0};
   for (int64_t c = 0; c < channels; c++, u += VECTORS) {
      Lanes u0 = u[0], u1 = u[1], u2 = u[2], u3 = u[3];
#pragma GCC unroll 6
      for (int r = 0; r < ROWS; r++) {
         float each = v[r * channels + c];
         sum[r][0] += each * u0;
         sum[r][1] += each * u1;
         sum[r][2] += each * u2;
         sum[r][3] += each * u3;
      }
   }
#pragma GCC unroll 6
   for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
      for (int j = 0; j < VECTORS; j++) memcpy(m + r * BLOCK + j * LANES, &sum[r][j], sizeof(Lanes));
}

SC_CLONES static void products(const Work *w, int64_t block, int64_t n, const float *v, float *m) {
   int64_t channels = w->z->g.c;
   for (int e = 0; e < EACH; e++) {
      const float *u = w->z->filters + (block * EACH + e) * channels * BLOCK;
      for (int64_t tile = 0; tile < n; tile += ROWS)
         multiply(v + e * w->v_step + tile * channels, channels, (const Lanes *)u,
                  m + e * w->m_step + tile * BLOCK);
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

SC_INLINE void output_tile(const Work *w, int64_t tile, int64_t channel, const float *m, Lanes *odd,
                           bool half) {
   const ScWinograd *z = w->z;
   const ScConv *g = &z->g;
   int64_t n = tile / w->of_image, in_image = tile % w->of_image;
   int64_t top = in_image / w->across * OUT, left = in_image % w->across * OUT;
   int64_t height = least(OUT, g->oh - top), width = least(OUT, g->ow - left);
   Lanes columns[TILE][OUT], bias;
   sc_lanes_load(&bias, z->bias + channel, false);
   for (int j = 0; j < TILE; j++) {
      Lanes column[TILE];
      for (int i = 0; i < TILE; i++) sc_lanes_load(&column[i], m + (i * TILE + j) * w->m_step, false);
      gather(columns[j], column, 1);
   }
   for (int64_t y = 0; y < height; y++) {
      Lanes row[OUT];
      gather(row, &columns[0][y], OUT);
      int64_t at = ((n * g->oh + top + y) * g->ow + left) * g->o + channel;
#pragma GCC unroll 4
      for (int x = 0; x < OUT; x++, at += g->o)
         if (x < width) output_pixel(z, &row[x], &bias, at, odd, half);
   }
}

SC_CLONES static bool output_tiles(const Work *w, int64_t first, int64_t n, int64_t block, const float *m) {
   Lanes odd = {0};
   for (int64_t i = 0; i < n; i++)
      for (int64_t c = 0; c < BLOCK; c += LANES) {
         const float *of_tile = m + i * BLOCK + c;
         if (w->z->half)
            output_tile(w, first + i, block * BLOCK + c, of_tile, &odd, true);
         else
            output_tile(w, first + i, block * BLOCK + c, of_tile, &odd, false);
      }
   bool finite = true;
   for (int l = 0; l < LANES; l++) finite = finite && odd[l] == 0;
   return finite;
}

// ---- all of it ----

static bool run_task(const Work *w, int64_t task, float *v, float *m) {
   int64_t first = task * w->tiles, n = least(w->tiles, w->all - first);
   bool finite = true;
   input_tiles(w, first, n, v);
   for (int64_t block = 0; block < w->z->g.o / BLOCK; block++) {
      products(w, block, n, v, m);
      if (!output_tiles(w, first, n, block, m)) finite = false;
   }
   return finite;
}

static Work plan(const ScWinograd *z, int threads) {
   const ScConv *g = &z->g;
   Work w = {.z = z, .across = (g->ow + OUT - 1) / OUT};
   w.of_image = (g->oh + OUT - 1) / OUT * w.across;
   w.all = g->n * w.of_image;
   w.tiles = least(MOST_TILES, ((w.all + threads - 1) / threads + ROWS - 1) / ROWS * ROWS);
   w.tasks = (w.all + w.tiles - 1) / w.tiles;
   w.v_step = w.tiles * g->c + LANES; // one more vector: or all would meet in the same places of the cache
   w.m_step = w.tiles * BLOCK + LANES;
   return w;
}

ScStatus sc_winograd(ScDevice *device, const ScWinograd *z, bool *finite) {
   int threads = omp_get_max_threads();
   Work w = plan(z, threads);
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

// ---- filters: (O / BLOCK, EACH, C, BLOCK) ----

static void expand(double to[TILE], const double g[3]) {
   const double a = sqrt(0.5), b = sqrt(2), na = 2 * 0.5 * (0.5 - 2), nb = 2 * 2.0 * (2 - 0.5);
   to[0] = g[0];
   to[1] = (g[0] + a * g[1] + a * a * g[2]) / na;
   to[2] = (g[0] - a * g[1] + a * a * g[2]) / na;
   to[3] = (g[0] + b * g[1] + b * b * g[2]) / nb;
   to[4] = (g[0] - b * g[1] + b * b * g[2]) / nb;
   to[5] = g[2];
}

// One filter of one channel, whose taps are `step` apart: into EACH places that are `apart` apart.
static void filter(const float *taps, int64_t step, float *to, int64_t apart) {
   double rows[3][TILE], column[TILE];
   for (int y = 0; y < 3; y++)
      expand(rows[y], (double[]){taps[3 * y * step], taps[(3 * y + 1) * step], taps[(3 * y + 2) * step]});
   for (int j = 0; j < TILE; j++) {
      expand(column, (double[]){rows[0][j], rows[1][j], rows[2][j]});
      for (int i = 0; i < TILE; i++) to[(i * TILE + j) * apart] = (float)column[i];
   }
}

size_t sc_winograd_filter_bytes(const ScConv *g) {
   return (size_t)(EACH * g->o * g->c) * sizeof(float);
}

void sc_winograd_filters(const ScConv *g, const float *plain, float *filters) {
#pragma omp parallel for
   for (int64_t o = 0; o < g->o; o++) {
      float *to = filters + o / BLOCK * EACH * g->c * BLOCK + o % BLOCK;
      for (int64_t c = 0; c < g->c; c++) filter(plain + o * 9 * g->c + c, g->c, to + c * BLOCK, g->c * BLOCK);
   }
}

static bool has_shape(const ScConv *g) {
   bool three = g->kh == 3 && g->kw == 3 && g->sh == 1 && g->sw == 1 && g->dh == 1 && g->dw == 1;
   return three && g->groups == 1 && g->c % LANES == 0 && g->o % BLOCK == 0;
}

// Tiles reach over the edge, and a few of them take as long as ROWS: what is left must halve the work. Filters
// take four times the memory and are to serve ENOUGH tiles; in bf16, where oneDNN is twice as fast, those of
// one image.
bool sc_winograd_fits(const ScConv *g, ScAct act, bool half) {
   bool clips = act == SC_ACT_NONE || act == SC_ACT_RELU || act == SC_ACT_RELU6;
   if (!sc_cpu_is_wide() || !has_shape(g) || !clips) return false;
   if (half && sc_cpu_has_amx()) return false;
   int64_t of_image = ((g->oh + OUT - 1) / OUT) * ((g->ow + OUT - 1) / OUT), tiles = g->n * of_image;
   int64_t products = (tiles + ROWS - 1) / ROWS * ROWS * EACH;
   return (half ? of_image : tiles) >= ENOUGH && g->n * g->oh * g->ow * 9 >= 2 * products;
}
