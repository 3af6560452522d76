// Pooling over channels-last pictures, a block of channels at a time.
#include "host/ops/pool.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 64 }; // channels held in registers or the first cache

typedef struct {
   int64_t y0, y1, x0, x1; // the part of the window inside the picture
   int64_t top, left;      // where the window begins, maybe outside
   float divisor;
} Window;

static inline Window window_at(const ScPool2d *g, int64_t oy, int64_t ox, bool include_pad) {
   Window w = {.top = oy * g->sh - g->ph, .left = ox * g->sw - g->pw};
   int64_t padded = sc_pool_window(oy, g->h, g->kh, g->sh, g->ph, &w.y0, &w.y1);
   padded *= sc_pool_window(ox, g->w, g->kw, g->sw, g->pw, &w.x0, &w.x1);
   w.divisor = (float)(include_pad ? padded : (w.y1 - w.y0) * (w.x1 - w.x0));
   return w;
}

static inline int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

// ---- maximum ----

// One window, `n` channels from element `x_at` of x (in the picture's first pixel): the maximum, and where it
// was.
SC_INLINE void max_block(const ScPool2d *g, const Window *w, int64_t n, const void *x, int64_t x_at, void *y,
                         int64_t y_at, uint8_t *where, bool half) {
   float most[BLOCK];
   int32_t tap_of[BLOCK];
   for (int64_t i = 0; i < n; i++)
      most[i] = -INFINITY, tap_of[i] = (int32_t)((w->y0 - w->top) * g->kw + w->x0 - w->left);
   for (int64_t iy = w->y0; iy < w->y1; iy++)
      for (int64_t ix = w->x0; ix < w->x1; ix++) {
         const void *from = sc_past(x, x_at + (iy * g->w + ix) * g->c, half);
         int32_t tap = (int32_t)((iy - w->top) * g->kw + ix - w->left);
         for (int64_t i = 0; i < n; i++) {
            float value = sc_at(from, i, half);
            bool more = value > most[i] || value != value; // a NaN wins and stays
            most[i] = more ? value : most[i];
            tap_of[i] = more ? tap : tap_of[i];
         }
      }
   for (int64_t i = 0; i < n; i++) sc_set(y, y_at + i, half, most[i]);
   for (int64_t i = 0; where && i < n; i++) where[y_at + i] = (uint8_t)tap_of[i];
}

SC_INLINE void max_windows(const ScPool2d *g, int64_t row, const void *x, void *y, uint8_t *where, bool half) {
   int64_t from = row / g->oh * g->h * g->w * g->c;
   for (int64_t ox = 0; ox < g->ow; ox++) {
      Window w = window_at(g, row % g->oh, ox, false);
      int64_t to = (row * g->ow + ox) * g->c, c = 0;
      for (; c + BLOCK <= g->c; c += BLOCK) max_block(g, &w, BLOCK, x, from + c, y, to + c, where, half);
      if (c < g->c) max_block(g, &w, g->c - c, x, from + c, y, to + c, where, half);
   }
}

SC_CLONES static void max_row(const ScPool2d *g, int64_t row, const void *x, void *y, uint8_t *where,
                              bool half) {
   if (half)
      max_windows(g, row, x, y, where, true);
   else
      max_windows(g, row, x, y, where, false);
}

static ScStatus forward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScTensor *saved = c->saved[0];
   if (g.kh * g.kw > 256) return SC_EUNSUPPORTED;
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   uint8_t *where = saved ? saved->buffer->data : NULL;
   bool half = sc_is_half(c->out[0]);
#pragma omp parallel for
   for (int64_t row = 0; row < g.n * g.oh; row++) max_row(&g, row, x, y, where, half);
   return SC_OK;
}

// ---- spreading gradients: an image, or where there are few a part of its channels, to a thread ----

typedef struct {
   bool half;
   const void *gy;
   void *gx;
   float *sums;          // with bf16, where an image's gradients are added up, one after the other a thread
   const uint8_t *where; // of a maximum
   bool include_pad;     // of a mean
} Spread;

// Adds to the image's gradients, channels [from, to).
typedef void (*SpreadImage)(const ScPool2d *, const Spread *, int64_t image, float *gx, int64_t from,
                            int64_t to);

SC_CLONES static void narrow_row(uint16_t *restrict to, const float *restrict from, int64_t n) {
   for (int64_t i = 0; i < n; i++) to[i] = sc_narrow(from[i]);
}

static void spread_part(const ScPool2d *g, const Spread *s, SpreadImage function, int64_t image, int64_t from,
                        int64_t to) {
   int64_t pixels = g->h * g->w, first = image * pixels * g->c;
   float *gx = s->half ? s->sums + omp_get_thread_num() * pixels * g->c : (float *)s->gx + first;
   for (int64_t p = 0; p < pixels; p++) memset(gx + p * g->c + from, 0, (size_t)(to - from) * sizeof *gx);
   function(g, s, image, gx, from, to);
   for (int64_t p = 0; s->half && p < pixels; p++)
      narrow_row((uint16_t *)s->gx + first + p * g->c + from, gx + p * g->c + from, to - from);
}

static ScStatus for_each_image(const ScPool2d *g, Spread *s, SpreadImage function) {
   int64_t threads = omp_get_max_threads(), parts = g->n >= threads ? 1 : least(threads, g->c);
   if (s->half) {
      s->sums = malloc((size_t)(threads * g->h * g->w * g->c) * sizeof *s->sums);
      if (!s->sums) return sc_fail(SC_EMEM, "out of memory");
   }
#pragma omp parallel for
   for (int64_t task = 0; task < g->n * parts; task++)
      spread_part(g, s, function, task / parts, g->c * (task % parts) / parts,
                  g->c * (task % parts + 1) / parts);
   free(s->sums);
   return SC_OK;
}

SC_INLINE void spread_max_of(const ScPool2d *g, const Spread *s, int64_t image, float *gx, int64_t from,
                             int64_t to, bool half) {
   int64_t offset[256]; // of each tap from the window's first
   for (int64_t t = 0; t < g->kh * g->kw; t++) offset[t] = (t / g->kw * g->w + t % g->kw) * g->c;
   for (int64_t p = 0; p < g->oh * g->ow; p++) {
      int64_t at = (image * g->oh * g->ow + p) * g->c;
      int64_t first = ((p / g->ow * g->sh - g->ph) * g->w + p % g->ow * g->sw - g->pw) * g->c;
      for (int64_t i = from; i < to; i++)
         gx[first + offset[s->where[at + i]] + i] += sc_at(s->gy, at + i, half);
   }
}

static void spread_max(const ScPool2d *g, const Spread *s, int64_t image, float *gx, int64_t from, int64_t to) {
   if (s->half)
      spread_max_of(g, s, image, gx, from, to, true);
   else
      spread_max_of(g, s, image, gx, from, to, false);
}

static ScStatus backward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   if (g.kh * g.kw > 256) return SC_EUNSUPPORTED;
   Spread s = {.half = sc_is_half(c->grad_out[0]),
               .gy = c->grad_out[0]->buffer->data,
               .gx = c->grad_in[0]->buffer->data,
               .where = c->saved[0]->buffer->data};
   return for_each_image(&g, &s, spread_max);
}

SC_KERNEL(cpu, max_pool2d, SC_F32_AND_BF16, .forward = forward_max, .backward = backward_max)

// ---- mean ----

// `n` channels of one window, from element `x_at` of x.
SC_INLINE void mean_block(const ScPool2d *g, const Window *w, int64_t n, const void *x, int64_t x_at, void *y,
                          int64_t y_at, bool half) {
   float sum[BLOCK] = {0};
   for (int64_t iy = w->y0; iy < w->y1; iy++)
      for (int64_t ix = w->x0; ix < w->x1; ix++) {
         const void *from = sc_past(x, x_at + (iy * g->w + ix) * g->c, half);
         for (int64_t i = 0; i < n; i++) sum[i] += sc_at(from, i, half);
      }
   for (int64_t i = 0; i < n; i++) sc_set(y, y_at + i, half, sum[i] / w->divisor);
}

SC_CLONES static void mean_row(const ScPool2d *g, int64_t row, const void *x, void *y, bool include_pad,
                               bool half) {
   int64_t from = row / g->oh * g->h * g->w * g->c;
   for (int64_t ox = 0; ox < g->ow; ox++) {
      Window w = window_at(g, row % g->oh, ox, include_pad);
      int64_t to = (row * g->ow + ox) * g->c;
      for (int64_t c = 0; c < g->c; c += BLOCK)
         if (half)
            mean_block(g, &w, least(BLOCK, g->c - c), x, from + c, y, to + c, true);
         else
            mean_block(g, &w, least(BLOCK, g->c - c), x, from + c, y, to + c, false);
   }
}

static ScStatus forward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   bool include_pad = c->attr[SC_POOL_INCLUDE_PAD].i, half = sc_is_half(c->out[0]);
#pragma omp parallel for
   for (int64_t row = 0; row < g.n * g.oh; row++) mean_row(&g, row, x, y, include_pad, half);
   return SC_OK;
}

SC_INLINE void spread_mean_of(const ScPool2d *g, const Spread *s, int64_t image, float *image_gx, int64_t from,
                              int64_t to, bool half) {
   for (int64_t p = 0; p < g->oh * g->ow; p++) {
      Window w = window_at(g, p / g->ow, p % g->ow, s->include_pad);
      const void *gy = sc_past(s->gy, (image * g->oh * g->ow + p) * g->c, half);
      for (int64_t iy = w.y0; iy < w.y1; iy++)
         for (int64_t ix = w.x0; ix < w.x1; ix++) {
            float *restrict gx = image_gx + (iy * g->w + ix) * g->c;
            for (int64_t i = from; i < to; i++) gx[i] += sc_at(gy, i, half) / w.divisor;
         }
   }
}

SC_CLONES static void spread_mean(const ScPool2d *g, const Spread *s, int64_t image, float *gx, int64_t from,
                                  int64_t to) {
   if (s->half)
      spread_mean_of(g, s, image, gx, from, to, true);
   else
      spread_mean_of(g, s, image, gx, from, to, false);
}

static ScStatus backward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   Spread s = {.half = sc_is_half(c->grad_out[0]),
               .gy = c->grad_out[0]->buffer->data,
               .gx = c->grad_in[0]->buffer->data,
               .include_pad = c->attr[SC_POOL_INCLUDE_PAD].i};
   return for_each_image(&g, &s, spread_mean);
}

SC_KERNEL(cpu, avg_pool2d, SC_F32_AND_BF16, .forward = forward_avg, .backward = backward_avg)

// ---- mean over all pixels ----

SC_INLINE void add_pixels(int64_t pixels, int64_t channels, int64_t n, const void *x, double *sum, bool half) {
   for (int64_t p = 0; p < pixels; p++)
      for (int64_t i = 0; i < n; i++) sum[i] += (double)sc_at(x, p * channels + i, half);
}

// `n` channels of an image from its element x on.
SC_CLONES static void mean_of_pixels(int64_t pixels, int64_t channels, int64_t n, const void *x, void *y,
                                     bool half) {
   double sum[BLOCK] = {0};
   if (half)
      add_pixels(pixels, channels, n, x, sum, true);
   else
      add_pixels(pixels, channels, n, x, sum, false);
   for (int64_t i = 0; i < n; i++) sc_set(y, i, half, (float)(sum[i] / (double)pixels));
}

static ScStatus forward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   bool half = sc_is_half(c->out[0]);
#pragma omp parallel for collapse(2)
   for (int64_t image = 0; image < shape[0]; image++)
      for (int64_t i = 0; i < channels; i += BLOCK)
         mean_of_pixels(pixels, channels, least(BLOCK, channels - i),
                        sc_past(x, image * pixels * channels + i, half), sc_past(y, image * channels + i, half),
                        half);
   return SC_OK;
}

SC_CLONES static void share_pixel(void *restrict gx, const void *restrict gy, int64_t n, float share,
                                  bool half) {
   if (half)
      for (int64_t i = 0; i < n; i++) sc_set(gx, i, true, sc_at(gy, i, true) * share);
   else
      for (int64_t i = 0; i < n; i++) sc_set(gx, i, false, sc_at(gy, i, false) * share);
}

static ScStatus backward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   const void *gy = c->grad_out[0]->buffer->data;
   void *gx = c->grad_in[0]->buffer->data;
   bool half = sc_is_half(c->grad_in[0]);
#pragma omp parallel for
   for (int64_t p = 0; p < shape[0] * pixels; p++)
      share_pixel(sc_past(gx, p * channels, half), sc_past(gy, p / pixels * channels, half), channels,
                  1.0f / (float)pixels, half);
   return SC_OK;
}

SC_KERNEL(cpu, global_avg_pool2d, SC_F32_AND_BF16, .forward = forward_global, .backward = backward_global)
