// Squeeze and excitation, float32. A sample is a thread's as long as there are enough of them: its maps are
// still in the cache when they are scaled. Else the maps of one sample are shared, by channels when summing, by
// pixels when scaling.
#include "host/ops/squeeze_excitation.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/vmath.h"

enum {
   WIDTH = 128,
   ROWS = 64
}; // channels summed together; pixels added up in float before they go into doubles

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

// ---- sums over the pixels of `n` channels of one sample ----

typedef struct {
   int64_t channels, pixels;
   const float *x, *g; // the sample's first element; with g, the sum is of x * g
} Maps;

static inline __attribute__((always_inline)) void add_rows(const Maps *m, int64_t from, int64_t to, int64_t at,
                                                           int64_t n, bool product, float *restrict part) {
   int64_t p = from;
   for (; p + 4 <= to; p += 4) {
      const float *restrict a = m->x + p * m->channels + at, *restrict b = a + m->channels,
                            *restrict c = b + m->channels, *restrict d = c + m->channels;
      const float *restrict ga = product ? m->g + p * m->channels + at : a, *restrict gb = ga + m->channels,
                            *restrict gc = gb + m->channels, *restrict gd = gc + m->channels;
      for (int64_t i = 0; i < n; i++)
         part[i] += product ? (a[i] * ga[i] + b[i] * gb[i]) + (c[i] * gc[i] + d[i] * gd[i])
                            : (a[i] + b[i]) + (c[i] + d[i]);
   }
   for (; p < to; p++)
      for (int64_t i = 0; i < n; i++) {
         float x = m->x[p * m->channels + at + i];
         part[i] += product ? x * m->g[p * m->channels + at + i] : x;
      }
}

SC_CLONES static void sum_pixels(const Maps *m, int64_t at, int64_t n, float scale, float *sums) {
   double total[WIDTH] = {0};
   for (int64_t from = 0; from < m->pixels; from += ROWS) {
      float part[WIDTH] = {0};
      int64_t to = least(from + ROWS, m->pixels);
      if (m->g)
         add_rows(m, from, to, at, n, true, part);
      else
         add_rows(m, from, to, at, n, false, part);
      for (int64_t i = 0; i < n; i++) total[i] += (double)part[i];
   }
   for (int64_t i = 0; i < n; i++) sums[i] = (float)(total[i] * (double)scale);
}

static void sum_sample(const Maps *m, float scale, float *sums, bool shared) {
#pragma omp parallel for if (shared)
   for (int64_t at = 0; at < m->channels; at += WIDTH)
      sum_pixels(m, at, least(WIDTH, m->channels - at), scale, sums + at);
}

// ---- y = x * scale + shift per channel; y may be x ----

SC_CLONES static void scale_rows(int64_t rows, int64_t n, const float *x, const float *scale, float *y) {
   for (int64_t r = 0; r < rows; r++)
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[r * n + i] = x[r * n + i] * scale[i];
}

SC_CLONES static void scale_and_shift_rows(int64_t rows, int64_t n, const float *x, const float *scale,
                                           const float *shift, float *y) {
   for (int64_t r = 0; r < rows; r++)
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[r * n + i] = x[r * n + i] * scale[i] + shift[i];
}

static void scale_sample(const Maps *m, const float *x, const float *scale, const float *shift, float *y,
                         bool shared) {
#pragma omp parallel for if (shared)
   for (int64_t p = 0; p < m->pixels; p += ROWS) {
      int64_t at = p * m->channels, rows = least(ROWS, m->pixels - p);
      if (shift)
         scale_and_shift_rows(rows, m->channels, x + at, scale, shift, y + at);
      else
         scale_rows(rows, m->channels, x + at, scale, y + at);
   }
}

// ---- the two layers ----

// y[o] = bias[o] + weight[o][:] . x
SC_CLONES static void layer(int64_t outputs, int64_t inputs, const float *weight, const float *bias,
                            const float *x, float *y) {
   for (int64_t o = 0; o < outputs; o++) {
      float sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < inputs; i++) sum += weight[o * inputs + i] * x[i];
      y[o] = sum + bias[o];
   }
}

// gx[i] = weight[:][i] . gy
SC_CLONES static void layer_back(int64_t outputs, int64_t inputs, const float *weight, const float *gy,
                                 float *restrict gx) {
   memset(gx, 0, (size_t)inputs * sizeof *gx);
   for (int64_t o = 0; o < outputs; o++)
      for (int64_t i = 0; i < inputs; i++) gx[i] += gy[o] * weight[o * inputs + i];
}

SC_CLONES static void silu(int64_t n, const float *x, float *restrict y) {
   for (int64_t i = 0; i < n; i++) y[i] = x[i] * sc_sigmoidf(x[i]);
}

SC_CLONES static void sigmoid(int64_t n, float *x) {
   for (int64_t i = 0; i < n; i++) x[i] = sc_sigmoidf(x[i]);
}

// ---- forward ----

typedef struct {
   ScSqueeze z;
   const float *x, *weight1, *bias1, *weight2, *bias2;
   float *y, *means, *squeezed, *scales; // the last three: (N, C), (N, S), (N, C)
} Forward;

static void forward_sample(const Forward *f, int64_t n, float *active, bool shared) {
   const ScSqueeze *z = &f->z;
   int64_t first = n * z->pixels * z->channels;
   Maps maps = {z->channels, z->pixels, f->x + first, NULL};
   float *means = f->means + n * z->channels, *squeezed = f->squeezed + n * z->squeezed,
         *scales = f->scales + n * z->channels;
   sum_sample(&maps, 1 / (float)z->pixels, means, shared);
   layer(z->squeezed, z->channels, f->weight1, f->bias1, means, squeezed);
   silu(z->squeezed, squeezed, active);
   layer(z->channels, z->squeezed, f->weight2, f->bias2, active, scales);
   sigmoid(z->channels, scales);
   scale_sample(&maps, f->x + first, scales, NULL, f->y + first, shared);
}

// Whether threads share each sample, because there are too few samples for them.
static bool are_shared(ScSqueeze z) {
   return z.n < omp_get_max_threads();
}

static float *data_of(const ScTensor *t) {
   return t ? t->buffer->data : NULL;
}

static ScStatus forward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   Forward f = {.z = z,
                .x = data_of(c->in[SC_SE_X]),
                .weight1 = data_of(c->in[SC_SE_WEIGHT1]),
                .bias1 = data_of(c->in[SC_SE_BIAS1]),
                .weight2 = data_of(c->in[SC_SE_WEIGHT2]),
                .bias2 = data_of(c->in[SC_SE_BIAS2]),
                .y = data_of(c->out[0]),
                .means = data_of(c->saved[SC_SE_MEANS]),
                .squeezed = data_of(c->saved[SC_SE_SQUEEZED]),
                .scales = data_of(c->saved[SC_SE_SCALES])};
   float *scratch = malloc((size_t)(2 * z.n * (z.channels + z.squeezed)) * sizeof *scratch),
         *free_part = scratch;
   if (!scratch) return sc_fail(SC_EMEM, "out of memory");
   float *active = free_part;
   free_part += z.n * z.squeezed;
   if (!f.means) f.means = free_part, free_part += z.n * z.channels;
   if (!f.squeezed) f.squeezed = free_part, free_part += z.n * z.squeezed;
   if (!f.scales) f.scales = free_part;
   bool shared = are_shared(z);
#pragma omp parallel for if (!shared)
   for (int64_t n = 0; n < z.n; n++) forward_sample(&f, n, active + n * z.squeezed, shared);
   free(scratch);
   return SC_OK;
}

// ---- backward ----

typedef struct {
   ScSqueeze z;
   const float *x, *weight1, *weight2, *means, *squeezed, *scales, *gy;
   float *gx;                  // NULL if not wanted; may be gy
   float *gscales, *gsqueezed; // of all samples, before sigmoid and silu: (N, C), (N, S)
   float *active, *gmeans;     // (N, S), (N, C)
} Backward;

SC_CLONES static void through_sigmoid(int64_t n, const float *y, float *restrict g) {
   for (int64_t i = 0; i < n; i++) g[i] *= y[i] * (1 - y[i]);
}

SC_CLONES static void through_silu(int64_t n, const float *x, float *restrict g) {
   for (int64_t i = 0; i < n; i++) {
      float s = sc_sigmoidf(x[i]);
      g[i] *= s * (1 + x[i] * (1 - s));
   }
}

static void backward_sample(const Backward *b, int64_t n, bool shared) {
   const ScSqueeze *z = &b->z;
   int64_t first = n * z->pixels * z->channels, c = n * z->channels, s = n * z->squeezed;
   Maps maps = {z->channels, z->pixels, b->x + first, b->gy + first};
   sum_sample(&maps, 1, b->gscales + c, shared);
   through_sigmoid(z->channels, b->scales + c, b->gscales + c);
   silu(z->squeezed, b->squeezed + s, b->active + s);
   layer_back(z->channels, z->squeezed, b->weight2, b->gscales + c, b->gsqueezed + s);
   through_silu(z->squeezed, b->squeezed + s, b->gsqueezed + s);
   if (!b->gx) return;
   layer_back(z->squeezed, z->channels, b->weight1, b->gsqueezed + s, b->gmeans + c);
   for (int64_t i = 0; i < z->channels; i++) b->gmeans[c + i] /= (float)z->pixels;
   scale_sample(&maps, b->gy + first, b->scales + c, b->gmeans + c, b->gx + first, shared);
}

// gweight[o][i] = sum over samples of gy[n][o] * x[n][i]
SC_CLONES static void weight_row(int64_t samples, int64_t outputs, int64_t inputs, int64_t o, const float *gy,
                                 const float *x, float *restrict gweight) {
   memset(gweight, 0, (size_t)inputs * sizeof *gweight);
   for (int64_t n = 0; n < samples; n++)
      for (int64_t i = 0; i < inputs; i++) gweight[i] += gy[n * outputs + o] * x[n * inputs + i];
}

static void layer_gradients(int64_t samples, int64_t outputs, int64_t inputs, const float *gy, const float *x,
                            float *gweight, float *gbias) {
#pragma omp parallel for if (gweight && samples * outputs * inputs > 32768)
   for (int64_t o = 0; o < outputs; o++) {
      if (gweight) weight_row(samples, outputs, inputs, o, gy, x, gweight + o * inputs);
      double sum = 0;
      for (int64_t n = 0; gbias && n < samples; n++) sum += (double)gy[n * outputs + o];
      if (gbias) gbias[o] = (float)sum;
   }
}

static ScStatus backward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   float *scratch = malloc((size_t)(2 * z.n * (z.channels + z.squeezed)) * sizeof *scratch);
   if (!scratch) return sc_fail(SC_EMEM, "out of memory");
   Backward b = {.z = z,
                 .x = data_of(c->in[SC_SE_X]),
                 .weight1 = data_of(c->in[SC_SE_WEIGHT1]),
                 .weight2 = data_of(c->in[SC_SE_WEIGHT2]),
                 .means = data_of(c->saved[SC_SE_MEANS]),
                 .squeezed = data_of(c->saved[SC_SE_SQUEEZED]),
                 .scales = data_of(c->saved[SC_SE_SCALES]),
                 .gy = data_of(c->grad_out[0]),
                 .gx = data_of(c->grad_in[SC_SE_X]),
                 .gscales = scratch,
                 .gmeans = scratch + z.n * z.channels,
                 .gsqueezed = scratch + 2 * z.n * z.channels,
                 .active = scratch + z.n * (2 * z.channels + z.squeezed)};
   bool shared = are_shared(z);
#pragma omp parallel for if (!shared)
   for (int64_t n = 0; n < z.n; n++) backward_sample(&b, n, shared);
   layer_gradients(z.n, z.channels, z.squeezed, b.gscales, b.active, data_of(c->grad_in[SC_SE_WEIGHT2]),
                   data_of(c->grad_in[SC_SE_BIAS2]));
   layer_gradients(z.n, z.squeezed, z.channels, b.gsqueezed, b.means, data_of(c->grad_in[SC_SE_WEIGHT1]),
                   data_of(c->grad_in[SC_SE_BIAS1]));
   free(scratch);
   return SC_OK;
}

SC_KERNEL(cpu, squeeze_excitation, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
