#include "kernels/ref/conv2d.h"

#include "kernels/ref/view.h"

// Offset of the input pixel under tap (i, j) of output pixel (oy, ox), or -1 in the padding.
static int64_t pixel(const ScConv *g, int64_t oy, int64_t ox, int64_t i, int64_t j) {
   int64_t y = oy * g->sh - g->ph + i * g->dh, x = ox * g->sw - g->pw + j * g->dw;
   return y < 0 || y >= g->h || x < 0 || x >= g->w ? -1 : (y * g->w + x) * g->c;
}

// In LANES sums, so that an addition need not wait for the one before it: whole networks are computed here in
// tests.
static double dot(int64_t n, const double *a, const double *b) {
   enum { LANES = 8 };
   double sums[LANES] = {0}, sum = 0;
   int64_t i = 0;
   for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) sums[k] += a[i + k] * b[i + k];
   for (; i < n; i++) sum += a[i] * b[i];
   for (int k = 0; k < LANES; k++) sum += sums[k];
   return sum;
}

static void add_scaled(int64_t n, double *to, double factor, const double *from) {
   for (int64_t i = 0; i < n; i++) to[i] += factor * from[i];
}

static void convolve_pixel(const ScConv *g, const double *x, const double *w, int64_t oy, int64_t ox,
                           double *y) {
   for (int64_t i = 0; i < g->kh; i++)
      for (int64_t j = 0; j < g->kw; j++) {
         int64_t at = pixel(g, oy, ox, i, j);
         if (at < 0) continue;
         for (int64_t o = 0; o < g->o; o++)
            y[o] += dot(g->cg, x + at + o / g->og * g->cg, w + ((o * g->kh + i) * g->kw + j) * g->cg);
      }
}

void sc_ref_conv2d(const ScConv *g, const double *x, const double *w, const double *bias, double *y) {
#pragma omp parallel for collapse(2)
   for (int64_t n = 0; n < g->n; n++)
      for (int64_t oy = 0; oy < g->oh; oy++)
         for (int64_t ox = 0; ox < g->ow; ox++) {
            double *out = y + ((n * g->oh + oy) * g->ow + ox) * g->o;
            for (int64_t o = 0; o < g->o; o++) out[o] = bias ? bias[o] : 0;
            convolve_pixel(g, x + n * g->h * g->w * g->c, w, oy, ox, out);
         }
}

// gx gathers, for every output pixel, gradient times filter.
static void input_gradient(const ScConv *g, const double *gy, const double *w, double *gx) {
#pragma omp parallel for
   for (int64_t n = 0; n < g->n; n++)
      for (int64_t p = 0; p < g->oh * g->ow; p++)
         for (int64_t t = 0; t < g->kh * g->kw; t++) {
            int64_t at = pixel(g, p / g->ow, p % g->ow, t / g->kw, t % g->kw);
            if (at < 0) continue;
            for (int64_t o = 0; o < g->o; o++)
               add_scaled(g->cg, gx + n * g->h * g->w * g->c + at + o / g->og * g->cg,
                          gy[(n * g->oh * g->ow + p) * g->o + o], w + (o * g->kh * g->kw + t) * g->cg);
         }
}

static void weight_gradient(const ScConv *g, const double *gy, const double *x, double *gw) {
#pragma omp parallel for
   for (int64_t o = 0; o < g->o; o++)
      for (int64_t n = 0; n < g->n; n++)
         for (int64_t p = 0; p < g->oh * g->ow; p++)
            for (int64_t t = 0; t < g->kh * g->kw; t++) {
               int64_t at = pixel(g, p / g->ow, p % g->ow, t / g->kw, t % g->kw);
               if (at < 0) continue;
               add_scaled(g->cg, gw + (o * g->kh * g->kw + t) * g->cg, gy[(n * g->oh * g->ow + p) * g->o + o],
                          x + n * g->h * g->w * g->c + at + o / g->og * g->cg);
            }
}

static void bias_gradient(const ScConv *g, const double *gy, double *gb) {
   for (int64_t p = 0; p < g->n * g->oh * g->ow; p++) add_scaled(g->o, gb, 1, gy + p * g->o);
}

static ScStatus forward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   ScView v[] = {SC_READ(c->in[SC_CONV_X]), SC_READ(c->in[SC_CONV_WEIGHT]), SC_READ(c->in[SC_CONV_BIAS]),
                 SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 4));
   sc_ref_conv2d(&g, v[0].v, v[1].v, v[2].v, v[3].v);
   sc_views_close(v, 4);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   ScView v[] = {SC_READ(c->in[SC_CONV_X]),
                 SC_READ(c->in[SC_CONV_WEIGHT]),
                 SC_READ(c->grad_out[0]),
                 SC_WRITE(c->grad_in[SC_CONV_X]),
                 SC_WRITE(c->grad_in[SC_CONV_WEIGHT]),
                 SC_WRITE(c->grad_in[SC_CONV_BIAS])};
   SC_TRY(sc_views_open(v, 6));
   if (v[3].v) input_gradient(&g, v[2].v, v[1].v, v[3].v);
   if (v[4].v) weight_gradient(&g, v[2].v, v[0].v, v[4].v);
   if (v[5].v) bias_gradient(&g, v[2].v, v[5].v);
   sc_views_close(v, 6);
   return SC_OK;
}

SC_KERNEL(ref, conv2d, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
