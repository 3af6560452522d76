// Pooling over channels-last pictures, a block of channels at a time.
#include "host/ops/pool.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/cpu/clones.h"

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

// One window, `n` channels from `x` (the picture's first pixel): the maximum, and where it was.
static inline __attribute__((always_inline)) void max_block(const ScPool2d *g, const Window *w, int64_t n,
                                                            const float *x, float *y, uint8_t *where) {
   float most[BLOCK];
   int32_t tap_of[BLOCK];
   for (int64_t i = 0; i < n; i++)
      most[i] = -INFINITY, tap_of[i] = (int32_t)((w->y0 - w->top) * g->kw + w->x0 - w->left);
   for (int64_t iy = w->y0; iy < w->y1; iy++)
      for (int64_t ix = w->x0; ix < w->x1; ix++) {
         const float *from = x + (iy * g->w + ix) * g->c;
         int32_t tap = (int32_t)((iy - w->top) * g->kw + ix - w->left);
         for (int64_t i = 0; i < n; i++) {
            bool more = from[i] > most[i] || from[i] != from[i]; // a NaN wins and stays
            most[i] = more ? from[i] : most[i];
            tap_of[i] = more ? tap : tap_of[i];
         }
      }
   memcpy(y, most, (size_t)n * sizeof *y);
   for (int64_t i = 0; where && i < n; i++) where[i] = (uint8_t)tap_of[i];
}

SC_CLONES static void max_row(const ScPool2d *g, int64_t row, const float *x, float *y, uint8_t *where) {
   int64_t image = row / g->oh, oy = row % g->oh;
   for (int64_t ox = 0; ox < g->ow; ox++) {
      Window w = window_at(g, oy, ox, false);
      int64_t to = (row * g->ow + ox) * g->c, from = image * g->h * g->w * g->c;
      int64_t c = 0;
      for (; c + BLOCK <= g->c; c += BLOCK)
         max_block(g, &w, BLOCK, x + from + c, y + to + c, where ? where + to + c : NULL);
      if (c < g->c) max_block(g, &w, g->c - c, x + from + c, y + to + c, where ? where + to + c : NULL);
   }
}

static ScStatus forward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScTensor *saved = c->saved[0];
   if (g.kh * g.kw > 256) return SC_EUNSUPPORTED;
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
   uint8_t *where = saved ? saved->buffer->data : NULL;
#pragma omp parallel for
   for (int64_t row = 0; row < g.n * g.oh; row++) max_row(&g, row, x, y, where);
   return SC_OK;
}

// ---- spreading gradients: an image, or where there are few a part of its channels, to a thread ----

typedef struct {
   const float *gy;
   float *gx;
   const uint8_t *where; // of a maximum
   bool include_pad;     // of a mean
} Spread;

typedef void (*SpreadImage)(const ScPool2d *, const Spread *, int64_t image, int64_t from, int64_t to);

static void for_each_image(const ScPool2d *g, const Spread *s, SpreadImage function) {
   int64_t parts = g->n >= omp_get_max_threads() ? 1 : least(omp_get_max_threads(), g->c);
#pragma omp parallel for
   for (int64_t task = 0; task < g->n * parts; task++) {
      int64_t image = task / parts, part = task % parts, from = g->c * part / parts,
              to = g->c * (part + 1) / parts;
      for (int64_t p = image * g->h * g->w; p < (image + 1) * g->h * g->w; p++)
         memset(s->gx + p * g->c + from, 0, (size_t)(to - from) * sizeof(float));
      function(g, s, image, from, to);
   }
}

static void spread_max(const ScPool2d *g, const Spread *s, int64_t image, int64_t from, int64_t to) {
   float *gx = s->gx + image * g->h * g->w * g->c;
   int64_t offset[256]; // of each tap from the window's first
   for (int64_t t = 0; t < g->kh * g->kw; t++) offset[t] = (t / g->kw * g->w + t % g->kw) * g->c;
   for (int64_t p = 0; p < g->oh * g->ow; p++) {
      int64_t at = (image * g->oh * g->ow + p) * g->c;
      int64_t first = ((p / g->ow * g->sh - g->ph) * g->w + p % g->ow * g->sw - g->pw) * g->c;
      for (int64_t i = from; i < to; i++) gx[first + offset[s->where[at + i]] + i] += s->gy[at + i];
   }
}

static ScStatus backward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   if (g.kh * g.kw > 256) return SC_EUNSUPPORTED;
   Spread s = {.gy = c->grad_out[0]->buffer->data,
               .gx = c->grad_in[0]->buffer->data,
               .where = c->saved[0]->buffer->data};
   for_each_image(&g, &s, spread_max);
   return SC_OK;
}

SC_KERNEL(cpu, max_pool2d, .dtypes = 1u << SC_F32, .forward = forward_max, .backward = backward_max)

// ---- mean ----

SC_CLONES static void mean_row(const ScPool2d *g, int64_t row, const float *x, float *y, bool include_pad) {
   const float *image = x + row / g->oh * g->h * g->w * g->c;
   for (int64_t ox = 0; ox < g->ow; ox++) {
      Window w = window_at(g, row % g->oh, ox, include_pad);
      float *restrict out = y + (row * g->ow + ox) * g->c;
      memset(out, 0, (size_t)g->c * sizeof *out);
      for (int64_t iy = w.y0; iy < w.y1; iy++)
         for (int64_t ix = w.x0; ix < w.x1; ix++) {
            const float *restrict from = image + (iy * g->w + ix) * g->c;
            for (int64_t i = 0; i < g->c; i++) out[i] += from[i];
         }
      for (int64_t i = 0; i < g->c; i++) out[i] /= w.divisor;
   }
}

static ScStatus forward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
   bool include_pad = c->attr[SC_POOL_INCLUDE_PAD].i;
#pragma omp parallel for
   for (int64_t row = 0; row < g.n * g.oh; row++) mean_row(&g, row, x, y, include_pad);
   return SC_OK;
}

SC_CLONES static void spread_mean(const ScPool2d *g, const Spread *s, int64_t image, int64_t from, int64_t to) {
   for (int64_t p = 0; p < g->oh * g->ow; p++) {
      Window w = window_at(g, p / g->ow, p % g->ow, s->include_pad);
      const float *restrict gy = s->gy + (image * g->oh * g->ow + p) * g->c;
      for (int64_t iy = w.y0; iy < w.y1; iy++)
         for (int64_t ix = w.x0; ix < w.x1; ix++) {
            float *restrict gx = s->gx + ((image * g->h + iy) * g->w + ix) * g->c;
            for (int64_t i = from; i < to; i++) gx[i] += gy[i] / w.divisor;
         }
   }
}

static ScStatus backward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   Spread s = {.gy = c->grad_out[0]->buffer->data,
               .gx = c->grad_in[0]->buffer->data,
               .include_pad = c->attr[SC_POOL_INCLUDE_PAD].i};
   for_each_image(&g, &s, spread_mean);
   return SC_OK;
}

SC_KERNEL(cpu, avg_pool2d, .dtypes = 1u << SC_F32, .forward = forward_avg, .backward = backward_avg)

// ---- mean over all pixels ----

SC_CLONES static void mean_of_pixels(int64_t pixels, int64_t channels, int64_t n, const float *x, float *y) {
   double sum[BLOCK] = {0};
   for (int64_t p = 0; p < pixels; p++)
      for (int64_t i = 0; i < n; i++) sum[i] += (double)x[p * channels + i];
   for (int64_t i = 0; i < n; i++) y[i] = (float)(sum[i] / (double)pixels);
}

static ScStatus forward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
#pragma omp parallel for collapse(2)
   for (int64_t image = 0; image < shape[0]; image++)
      for (int64_t i = 0; i < channels; i += BLOCK)
         mean_of_pixels(pixels, channels, least(BLOCK, channels - i), x + image * pixels * channels + i,
                        y + image * channels + i);
   return SC_OK;
}

static ScStatus backward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   const float *gy = c->grad_out[0]->buffer->data;
   float *gx = c->grad_in[0]->buffer->data, share = 1.0f / (float)pixels;
#pragma omp parallel for
   for (int64_t p = 0; p < shape[0] * pixels; p++)
      for (int64_t i = 0; i < channels; i++) gx[p * channels + i] = gy[p / pixels * channels + i] * share;
   return SC_OK;
}

SC_KERNEL(cpu, global_avg_pool2d, .dtypes = 1u << SC_F32, .forward = forward_global,
          .backward = backward_global)
