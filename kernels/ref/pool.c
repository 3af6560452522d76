#include "host/ops/pool.h"

#include <math.h>

#include "kernels/ref/view.h"

static int64_t input_at(const ScPool2d *g, int64_t n, int64_t y, int64_t x, int64_t ch) {
   return ((n * g->h + y) * g->w + x) * g->c + ch;
}

static int64_t output_at(const ScPool2d *g, int64_t n, int64_t y, int64_t x, int64_t ch) {
   return ((n * g->oh + y) * g->ow + x) * g->c + ch;
}

typedef void (*Visit)(const ScPool2d *, void *context, int64_t n, int64_t oy, int64_t ox, int64_t ch);

static void for_each_output(const ScPool2d *g, Visit visit, void *context) {
#pragma omp parallel for
   for (int64_t n = 0; n < g->n; n++) // one thread an image: windows overlap in backward
      for (int64_t oy = 0; oy < g->oh; oy++)
         for (int64_t ox = 0; ox < g->ow; ox++)
            for (int64_t ch = 0; ch < g->c; ch++) visit(g, context, n, oy, ox, ch);
}

// ---- maximum ----

typedef struct {
   const double *x, *gy;
   double *y, *gx;
   ScTensor *where; // NULL when nothing is recorded
} Max;

static void maximum(const ScPool2d *g, void *context, int64_t n, int64_t oy, int64_t ox, int64_t ch) {
   const Max *m = context;
   int64_t y0, y1, x0, x1, best = -1;
   sc_pool_window(oy, g->h, g->kh, g->sh, g->ph, &y0, &y1);
   sc_pool_window(ox, g->w, g->kw, g->sw, g->pw, &x0, &x1);
   double most = -INFINITY;
   for (int64_t y = y0; y < y1; y++)
      for (int64_t x = x0; x < x1; x++) {
         double value = m->x[input_at(g, n, y, x, ch)];
         if (best >= 0 && !(value > most || value != value)) continue;
         most = value;
         best = (y - (oy * g->sh - g->ph)) * g->kw + x - (ox * g->sw - g->pw);
      }
   int64_t at = output_at(g, n, oy, ox, ch);
   m->y[at] = most;
   if (m->where) sc_store(m->where->dtype, m->where->buffer->data, at, (double)best);
}

static void spread_to_maximum(const ScPool2d *g, void *context, int64_t n, int64_t oy, int64_t ox, int64_t ch) {
   const Max *m = context;
   int64_t at = output_at(g, n, oy, ox, ch),
           tap = (int64_t)sc_load(m->where->dtype, m->where->buffer->data, at);
   int64_t y = oy * g->sh - g->ph + tap / g->kw, x = ox * g->sw - g->pw + tap % g->kw;
   m->gx[input_at(g, n, y, x, ch)] += m->gy[at];
}

static ScStatus forward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScView v[] = {SC_READ(c->in[0]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 2));
   for_each_output(&g, maximum, &(Max){.x = v[0].v, .y = v[1].v, .where = c->saved[0]});
   sc_views_close(v, 2);
   return SC_OK;
}

static ScStatus backward_max(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScView v[] = {SC_READ(c->grad_out[0]), SC_WRITE(c->grad_in[0])};
   SC_TRY(sc_views_open(v, 2));
   for_each_output(&g, spread_to_maximum, &(Max){.gy = v[0].v, .gx = v[1].v, .where = c->saved[0]});
   sc_views_close(v, 2);
   return SC_OK;
}

SC_KERNEL(ref, max_pool2d, .dtypes = SC_FLOATS, .forward = forward_max, .backward = backward_max)

// ---- mean ----

typedef struct {
   const double *x, *gy;
   double *y, *gx;
   bool include_pad;
} Avg;

// Adds x's window up into y, or spreads gy over it.
static void average(const ScPool2d *g, void *context, int64_t n, int64_t oy, int64_t ox, int64_t ch) {
   const Avg *m = context;
   int64_t y0, y1, x0, x1;
   int64_t padded = sc_pool_window(oy, g->h, g->kh, g->sh, g->ph, &y0, &y1);
   padded *= sc_pool_window(ox, g->w, g->kw, g->sw, g->pw, &x0, &x1);
   double divisor = (double)(m->include_pad ? padded : (y1 - y0) * (x1 - x0));
   int64_t at = output_at(g, n, oy, ox, ch);
   for (int64_t y = y0; y < y1; y++)
      for (int64_t x = x0; x < x1; x++) {
         int64_t from = input_at(g, n, y, x, ch);
         if (m->y)
            m->y[at] += m->x[from] / divisor;
         else
            m->gx[from] += m->gy[at] / divisor;
      }
}

static ScStatus forward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScView v[] = {SC_READ(c->in[0]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 2));
   for_each_output(&g, average,
                   &(Avg){.x = v[0].v, .y = v[1].v, .include_pad = c->attr[SC_POOL_INCLUDE_PAD].i});
   sc_views_close(v, 2);
   return SC_OK;
}

static ScStatus backward_avg(ScCall *c) {
   ScPool2d g = sc_pool_geometry(c);
   ScView v[] = {SC_READ(c->grad_out[0]), SC_WRITE(c->grad_in[0])};
   SC_TRY(sc_views_open(v, 2));
   for_each_output(&g, average,
                   &(Avg){.gy = v[0].v, .gx = v[1].v, .include_pad = c->attr[SC_POOL_INCLUDE_PAD].i});
   sc_views_close(v, 2);
   return SC_OK;
}

SC_KERNEL(ref, avg_pool2d, .dtypes = SC_FLOATS, .forward = forward_avg, .backward = backward_avg)

// ---- mean over all pixels ----

static ScStatus forward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   ScView v[] = {SC_READ(c->in[0]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 2));
   for (int64_t i = 0; i < shape[0] * pixels; i++)
      for (int64_t ch = 0; ch < channels; ch++)
         v[1].v[i / pixels * channels + ch] += v[0].v[i * channels + ch] / (double)pixels;
   sc_views_close(v, 2);
   return SC_OK;
}

static ScStatus backward_global(ScCall *c) {
   const int64_t *shape = c->in[0]->shape, channels = shape[1], pixels = shape[2] * shape[3];
   ScView v[] = {SC_READ(c->grad_out[0]), SC_WRITE(c->grad_in[0])};
   SC_TRY(sc_views_open(v, 2));
   for (int64_t i = 0; i < shape[0] * pixels; i++)
      for (int64_t ch = 0; ch < channels; ch++)
         v[1].v[i * channels + ch] = v[0].v[i / pixels * channels + ch] / (double)pixels;
   sc_views_close(v, 2);
   return SC_OK;
}

SC_KERNEL(ref, global_avg_pool2d, .dtypes = SC_FLOATS, .forward = forward_global, .backward = backward_global)
