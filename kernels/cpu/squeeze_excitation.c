// Squeeze and excitation of float32 or bfloat16 maps; what is per channel is float32. A sample is a thread's as
// long as there are enough of them: its maps are still in the cache when they are scaled. Else the maps of one
// sample are shared, by channels when summing, by pixels when scaling.
#include "host/ops/squeeze_excitation.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/clones.h"

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
   const void *x, *g; // the sample's first element; with g, the sum is of x * g
   bool half;
} Maps;

SC_INLINE float term(const void *x, const void *g, int64_t i, bool product, bool half) {
   float value = sc_at(x, i, half);
   return product ? value * sc_at(g, i, half) : value;
}

SC_INLINE void add_rows(const Maps *m, int64_t from, int64_t to, int64_t at, int64_t n, bool product, bool half,
                        float *restrict part) {
   int64_t p = from, row = m->channels;
   for (; p + 4 <= to; p += 4) {
      const void *a = sc_past(m->x, p * row + at, half), *b = sc_past(a, row, half), *c = sc_past(b, row, half),
                 *d = sc_past(c, row, half);
      const void *ga = product ? sc_past(m->g, p * row + at, half) : a, *gb = sc_past(ga, row, half),
                 *gc = sc_past(gb, row, half), *gd = sc_past(gc, row, half);
      for (int64_t i = 0; i < n; i++)
         part[i] += (term(a, ga, i, product, half) + term(b, gb, i, product, half)) +
                    (term(c, gc, i, product, half) + term(d, gd, i, product, half));
   }
   for (; p < to; p++) {
      const void *a = sc_past(m->x, p * row + at, half), *ga = product ? sc_past(m->g, p * row + at, half) : a;
      for (int64_t i = 0; i < n; i++) part[i] += term(a, ga, i, product, half);
   }
}

SC_CLONES static void sum_pixels(const Maps *m, int64_t at, int64_t n, float scale, float *sums) {
   double total[WIDTH] = {0};
   for (int64_t from = 0; from < m->pixels; from += ROWS) {
      float part[WIDTH] = {0};
      int64_t to = least(from + ROWS, m->pixels);
      if (m->g && m->half)
         add_rows(m, from, to, at, n, true, true, part);
      else if (m->g)
         add_rows(m, from, to, at, n, true, false, part);
      else if (m->half)
         add_rows(m, from, to, at, n, false, true, part);
      else
         add_rows(m, from, to, at, n, false, false, part);
      for (int64_t i = 0; i < n; i++) total[i] += (double)part[i];
   }
   for (int64_t i = 0; i < n; i++) sums[i] = (float)(total[i] * (double)scale);
}

// A loop in a loop that is divided already stays clear of OpenMP, which takes memory for each of them.
static void sum_sample(const Maps *m, float scale, float *sums, bool shared) {
   int64_t n = m->channels;
   if (shared) {
#pragma omp parallel for
      for (int64_t at = 0; at < n; at += WIDTH) sum_pixels(m, at, least(WIDTH, n - at), scale, sums + at);
   } else
      for (int64_t at = 0; at < n; at += WIDTH) sum_pixels(m, at, least(WIDTH, n - at), scale, sums + at);
}

// ---- y = x * scale + shift per channel; y may be x ----

SC_INLINE void scale_rows(int64_t rows, int64_t n, const void *x, const float *scale, const float *shift,
                          void *y, bool half) {
   for (int64_t r = 0; r < rows; r++) {
      const void *from = sc_past(x, r * n, half);
      void *to = sc_past(y, r * n, half);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++)
         sc_set(to, i, half, sc_at(from, i, half) * scale[i] + (shift ? shift[i] : 0));
   }
}

SC_CLONES static void scale_block(int64_t rows, int64_t n, const void *x, const float *scale,
                                  const float *shift, void *y, bool half) {
   if (half && shift)
      scale_rows(rows, n, x, scale, shift, y, true);
   else if (half)
      scale_rows(rows, n, x, scale, NULL, y, true);
   else if (shift)
      scale_rows(rows, n, x, scale, shift, y, false);
   else
      scale_rows(rows, n, x, scale, NULL, y, false);
}

static void scale_some(const Maps *m, int64_t p, const void *x, const float *scale, const float *shift,
                       void *y) {
   int64_t at = p * m->channels;
   scale_block(least(ROWS, m->pixels - p), m->channels, sc_past(x, at, m->half), scale, shift,
               sc_past(y, at, m->half), m->half);
}

static void scale_sample(const Maps *m, const void *x, const float *scale, const float *shift, void *y,
                         bool shared) {
   if (shared) {
#pragma omp parallel for
      for (int64_t p = 0; p < m->pixels; p += ROWS) scale_some(m, p, x, scale, shift, y);
   } else
      for (int64_t p = 0; p < m->pixels; p += ROWS) scale_some(m, p, x, scale, shift, y);
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

// ---- forward ----

typedef struct {
   ScSqueeze z;
   bool half;
   const void *x;
   const float *weight1, *bias1, *weight2, *bias2;
   void *y;
   float *means, *squeezed, *excited, *scales; // (N, C), (N, S), (N, C), (N, C); excited: NULL if not kept
} Forward;

static void forward_sample(const Forward *f, int64_t n, float *active, bool shared) {
   const ScSqueeze *z = &f->z;
   int64_t first = n * z->pixels * z->channels;
   const void *x = sc_past(f->x, first, f->half);
   Maps maps = {z->channels, z->pixels, x, NULL, f->half};
   float *means = f->means + n * z->channels, *squeezed = f->squeezed + n * z->squeezed,
         *scales = f->scales + n * z->channels, *excited = f->excited ? f->excited + n * z->channels : scales;
   sum_sample(&maps, 1 / (float)z->pixels, means, shared);
   layer(z->squeezed, z->channels, f->weight1, f->bias1, means, squeezed);
   sc_activate_all(z->act, z->squeezed, squeezed, active, false);
   layer(z->channels, z->squeezed, f->weight2, f->bias2, active, excited);
   sc_activate_all(z->scale_act, z->channels, excited, scales, false);
   scale_sample(&maps, x, scales, NULL, sc_past(f->y, first, f->half), shared);
}

// Whether threads share each sample, because there are too few samples for them.
static bool are_shared(ScSqueeze z) {
   return z.n < omp_get_max_threads();
}

static void *data_of(const ScTensor *t) {
   return t ? t->buffer->data : NULL;
}

// The filters of both layers in float32; the second ones follow the first. `*filters` is to be freed.
static ScStatus read_filters(const ScCall *c, float **filters, const float **weight1, const float **weight2) {
   const ScTensor *one = c->in[SC_SE_WEIGHT1], *two = c->in[SC_SE_WEIGHT2];
   int64_t n = sc_numel(one);
   *filters = NULL, *weight1 = data_of(one), *weight2 = data_of(two);
   if (!sc_is_half(one)) return SC_OK;
   float *values = malloc(2 * (size_t)n * sizeof *values);
   if (!values) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t i = 0; i < n; i++) {
      values[i] = sc_at(one->buffer->data, i, true);
      values[n + i] = sc_at(two->buffer->data, i, true);
   }
   *filters = values, *weight1 = values, *weight2 = values + n;
   return SC_OK;
}

static void run_samples(Forward f, float *scratch) {
   const ScSqueeze *z = &f.z;
   float *active = scratch, *free_part = scratch + z->n * z->squeezed;
   if (!f.means) f.means = free_part, free_part += z->n * z->channels;
   if (!f.squeezed) f.squeezed = free_part, free_part += z->n * z->squeezed;
   if (!f.scales) f.scales = free_part;
   bool shared = are_shared(*z);
#pragma omp parallel for if (!shared)
   for (int64_t n = 0; n < z->n; n++) forward_sample(&f, n, active + n * z->squeezed, shared);
}

static ScStatus forward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   Forward f = {.z = z,
                .half = sc_is_half(c->in[SC_SE_X]),
                .x = data_of(c->in[SC_SE_X]),
                .bias1 = data_of(c->in[SC_SE_BIAS1]),
                .bias2 = data_of(c->in[SC_SE_BIAS2]),
                .y = data_of(c->out[0]),
                .means = data_of(c->saved[SC_SE_MEANS]),
                .squeezed = data_of(c->saved[SC_SE_SQUEEZED]),
                .excited = data_of(c->saved[SC_SE_EXCITED]),
                .scales = data_of(c->saved[SC_SE_SCALES])};
   float *filters, *scratch = malloc((size_t)(2 * z.n * (z.channels + z.squeezed)) * sizeof *scratch);
   if (!scratch) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = read_filters(c, &filters, &f.weight1, &f.weight2);
   if (status == SC_OK) run_samples(f, scratch);
   free(filters);
   free(scratch);
   return status;
}

// ---- backward ----

typedef struct {
   ScSqueeze z;
   bool half;
   const void *x, *gy;
   const float *weight1, *weight2, *means, *squeezed, *excited, *scales;
   void *gx;                   // NULL if not wanted; may be gy
   float *gscales, *gsqueezed; // of all samples, before the activations: (N, C), (N, S)
   float *active, *gmeans;     // (N, S), (N, C)
} Backward;

static void backward_sample(const Backward *b, int64_t n, bool shared) {
   const ScSqueeze *z = &b->z;
   int64_t first = n * z->pixels * z->channels, c = n * z->channels, s = n * z->squeezed;
   const void *gy = sc_past(b->gy, first, b->half);
   Maps maps = {z->channels, z->pixels, sc_past(b->x, first, b->half), gy, b->half};
   sum_sample(&maps, 1, b->gscales + c, shared);
   sc_act_gradient_all(z->scale_act, z->channels, b->excited + c, b->gscales + c);
   sc_activate_all(z->act, z->squeezed, b->squeezed + s, b->active + s, false);
   layer_back(z->channels, z->squeezed, b->weight2, b->gscales + c, b->gsqueezed + s);
   sc_act_gradient_all(z->act, z->squeezed, b->squeezed + s, b->gsqueezed + s);
   if (!b->gx) return;
   layer_back(z->squeezed, z->channels, b->weight1, b->gsqueezed + s, b->gmeans + c);
   for (int64_t i = 0; i < z->channels; i++) b->gmeans[c + i] /= (float)z->pixels;
   scale_sample(&maps, gy, b->scales + c, b->gmeans + c, sc_past(b->gx, first, b->half), shared);
}

enum { INPUTS = 256 }; // of a layer, whose gradients are added up together

// gweight[o][at + i] = sum over samples of gy[n][o] * x[n][at + i]
SC_CLONES static void weight_part(int64_t samples, int64_t outputs, int64_t inputs, int64_t o, int64_t at,
                                  int64_t n, const float *gy, const float *x, void *gweight, bool half) {
   float sum[INPUTS] = {0};
   for (int64_t s = 0; s < samples; s++)
      for (int64_t i = 0; i < n; i++) sum[i] += gy[s * outputs + o] * x[s * inputs + at + i];
   for (int64_t i = 0; i < n; i++) sc_set(gweight, o * inputs + at + i, half, sum[i]);
}

static void layer_gradients(int64_t samples, int64_t outputs, int64_t inputs, const float *gy, const float *x,
                            void *gweight, float *gbias, bool half) {
#pragma omp parallel for if (gweight && samples * outputs * inputs > 32768)
   for (int64_t o = 0; o < outputs; o++) {
      for (int64_t at = 0; gweight && at < inputs; at += INPUTS)
         weight_part(samples, outputs, inputs, o, at, least(INPUTS, inputs - at), gy, x, gweight, half);
      double sum = 0;
      for (int64_t n = 0; gbias && n < samples; n++) sum += (double)gy[n * outputs + o];
      if (gbias) gbias[o] = (float)sum;
   }
}

static void run_samples_back(const ScCall *c, const Backward *b) {
   ScSqueeze z = b->z;
   bool shared = are_shared(z);
#pragma omp parallel for if (!shared)
   for (int64_t n = 0; n < z.n; n++) backward_sample(b, n, shared);
   layer_gradients(z.n, z.channels, z.squeezed, b->gscales, b->active, data_of(c->grad_in[SC_SE_WEIGHT2]),
                   data_of(c->grad_in[SC_SE_BIAS2]), b->half);
   layer_gradients(z.n, z.squeezed, z.channels, b->gsqueezed, b->means, data_of(c->grad_in[SC_SE_WEIGHT1]),
                   data_of(c->grad_in[SC_SE_BIAS1]), b->half);
}

static ScStatus backward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   float *filters, *scratch = malloc((size_t)(2 * z.n * (z.channels + z.squeezed)) * sizeof *scratch);
   if (!scratch) return sc_fail(SC_EMEM, "out of memory");
   Backward b = {.z = z,
                 .half = sc_is_half(c->in[SC_SE_X]),
                 .x = data_of(c->in[SC_SE_X]),
                 .means = data_of(c->saved[SC_SE_MEANS]),
                 .squeezed = data_of(c->saved[SC_SE_SQUEEZED]),
                 .excited = data_of(c->saved[SC_SE_EXCITED]),
                 .scales = data_of(c->saved[SC_SE_SCALES]),
                 .gy = data_of(c->grad_out[0]),
                 .gx = data_of(c->grad_in[SC_SE_X]),
                 .gscales = scratch,
                 .gmeans = scratch + z.n * z.channels,
                 .gsqueezed = scratch + 2 * z.n * z.channels,
                 .active = scratch + z.n * (2 * z.channels + z.squeezed)};
   ScStatus status = read_filters(c, &filters, &b.weight1, &b.weight2);
   if (status == SC_OK) run_samples_back(c, &b);
   free(filters);
   free(scratch);
   return status;
}

SC_KERNEL(cpu, squeeze_excitation, SC_F32_AND_BF16, .forward = forward, .backward = backward)
