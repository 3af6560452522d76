// depthwise.h for one size of vectors.
#ifndef SCUTE_CPU_DEPTHWISE_LOOPS_H
#define SCUTE_CPU_DEPTHWISE_LOOPS_H

#include "kernels/cpu/lanes.h"

#include <omp.h>
#include <stdatomic.h>

#include "kernels/cpu/depthwise_way.h"

// Channels go in blocks of LANES. Of each block and sample a band of rows is copied to f32 with zeros around
// it, so that windows have no edges and their pixels lie side by side.
enum { MAX_SIZE = 7, BAND_BYTES = 192 * 1024, TASKS = 64 };

typedef struct {
   const ScConv *g;
   bool half;
   const void *x, *dy;
   int64_t blocks, chunks;      // tasks: blocks of channels times chunks of samples
   int64_t rows, height, width; // of dy and of x in a band; `width` has the padding
   Lanes *bands, *parts;        // a band of x and of dy for each thread; a filter for each task
} Work;

// One row of a channel block: pixels [0, n) from `from`, whose pixels are `channels` apart.
SC_INLINE void copy_row(float *restrict to, const void *from, int64_t n, int64_t channels, int64_t lanes,
                        bool half) {
   for (int64_t i = 0; i < n; i++) {
      const void *pixel = sc_past(from, i * channels, half);
      if (lanes == LANES) {
         for (int l = 0; l < LANES; l++) to[i * LANES + l] = sc_at(pixel, l, half);
      } else {
         for (int64_t l = 0; l < LANES; l++) to[i * LANES + l] = l < lanes ? sc_at(pixel, l, half) : 0;
      }
   }
}

// Rows [first, first + height) of x with `width` pixels from -padding on; what lies outside is zero.
SC_INLINE void copy_x(Lanes *to, const Work *w, int64_t sample, int64_t channel, int64_t first, int64_t height,
                      int64_t lanes, bool half) {
   const ScConv *g = w->g;
   int64_t before = g->pw, inside = w->width - before < g->w ? w->width - before : g->w;
   for (int64_t r = 0; r < height; r++, to += w->width) {
      int64_t y = first + r;
      memset(to, 0, w->width * sizeof *to);
      if (y < 0 || y >= g->h) continue;
      const void *row = sc_past(w->x, ((sample * g->h + y) * g->w) * g->c + channel, half);
      copy_row((float *)(to + before), row, inside, g->c, lanes, half);
   }
}

// Row `kh` of the filter, `size` wide, over a band: the sums stay in registers.
SC_INLINE void add_row(Lanes *restrict sums, const Lanes *x, const Lanes *dy, const Work *w, int64_t rows,
                       int size) {
   const ScConv *g = w->g;
   Lanes acc[MAX_SIZE];
#pragma GCC unroll 8
   for (int k = 0; k < size; k++) acc[k] = (Lanes){0};
   for (int64_t r = 0; r < rows; r++) {
      const Lanes *row = x + r * g->sh * w->width;
      for (int64_t c = 0; c < g->ow; c++, row += g->sw, dy++) {
         Lanes d = *dy;
#pragma GCC unroll 8
         for (int k = 0; k < size; k++) acc[k] += row[k] * d;
      }
   }
#pragma GCC unroll 8
   for (int k = 0; k < size; k++) sums[k] += acc[k];
}

SC_INLINE void add_band(Lanes *sums, const Lanes *x, const Lanes *dy, const Work *w, int64_t rows) {
   int size = w->g->kw == 5 ? 5 : 7;
   for (int kh = 0; kh < size; kh++)
      if (size == 5)
         add_row(sums + kh * 5, x + kh * w->width, dy, w, rows, 5);
      else
         add_row(sums + kh * 7, x + kh * w->width, dy, w, rows, 7);
}

SC_INLINE void run(const Work *w, int64_t task, Lanes *band, bool half) {
   const ScConv *g = w->g;
   int64_t block = task % w->blocks, chunk = task / w->blocks, channel = block * LANES;
   int64_t lanes = g->c - channel < LANES ? g->c - channel : LANES;
   Lanes *sums = w->parts + task * g->kh * g->kw, *dy = band + w->height * w->width;
   memset(sums, 0, g->kh * g->kw * sizeof *sums);
   for (int64_t n = chunk * g->n / w->chunks; n < (chunk + 1) * g->n / w->chunks; n++) {
      for (int64_t row = 0; row < g->oh; row += w->rows) {
         int64_t rows = g->oh - row < w->rows ? g->oh - row : w->rows;
         copy_x(band, w, n, channel, row * g->sh - g->ph, (rows - 1) * g->sh + g->kh, lanes, half);
         const void *from = sc_past(w->dy, ((n * g->oh + row) * g->ow) * g->c + channel, half);
         copy_row((float *)dy, from, rows * g->ow, g->c, lanes, half);
         add_band(sums, band, dy, w, rows);
      }
   }
}

static void run_task(const Work *w, int64_t task, Lanes *band) {
   if (w->half)
      run(w, task, band, true);
   else
      run(w, task, band, false);
}

static void store(const Work *w, void *gradient) {
   int64_t taps = w->g->kh * w->g->kw;
   for (int64_t c = 0; c < w->g->c; c++)
      for (int64_t k = 0; k < taps; k++) {
         float sum = 0;
         for (int64_t chunk = 0; chunk < w->chunks; chunk++)
            sum += w->parts[(chunk * w->blocks + c / LANES) * taps + k][c % LANES];
         sc_set(gradient, c * taps + k, w->half, sum);
      }
}

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static ScStatus weight_gradient(ScDevice *device, const ScConv *g, bool half, const void *x, const void *dy,
                                void *gradient) {
   Work w = {.g = g, .half = half, .x = x, .dy = dy, .blocks = (g->c + LANES - 1) / LANES};
   w.chunks = least(g->n, (TASKS + w.blocks - 1) / w.blocks);
   w.width = (g->ow - 1) * g->sw + g->kw;
   if (w.width < g->pw) w.width = g->pw;
   int64_t row_bytes = (g->sh * w.width + g->ow) * sizeof(Lanes);
   w.rows = least(g->oh, BAND_BYTES / row_bytes + 1);
   w.height = (w.rows - 1) * g->sh + g->kh;
   int64_t band = w.height * w.width + w.rows * g->ow, tasks = w.blocks * w.chunks;
   int threads = omp_get_max_threads();
   ScBuffer *scratch;
   SC_TRY(sc_buffer_new(&scratch, device, (threads * band + tasks * g->kh * g->kw) * sizeof(Lanes)));
   w.bands = scratch->data;
   w.parts = w.bands + threads * band;
   atomic_llong next = 0;
#pragma omp parallel
   for (int64_t task; (task = atomic_fetch_add(&next, 1)) < tasks;)
      run_task(&w, task, w.bands + omp_get_thread_num() * band);
   store(&w, gradient);
   sc_buffer_release(scratch);
   return SC_OK;
}

#endif
