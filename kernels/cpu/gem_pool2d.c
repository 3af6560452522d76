// The generalised mean over all pixels of channels-last pictures of float32 or bfloat16, a block of channels at
// a time; powers by logarithms, relative to the pixel that counts most.
#include "host/ops/gem_pool2d.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/vmath.h"

enum { BLOCK = 64, WORTH_THREADS = 8192 };

// The channels that one task has.
typedef struct {
   int64_t pixels, step, n; // elements from a pixel to the next; channels
   float eps;
   bool half;
   float p[BLOCK], most[BLOCK];
} Block;

SC_INLINE float raised(const void *x, int64_t i, float eps, bool half) {
   float v = sc_at(x, i, half);
   return v < eps ? eps : v;
}

// Below it e is 0, so that infinities leave no product of 0 and themselves.
SC_INLINE float logarithm(float v, float most) {
   float t = v == most ? 0 : sc_logf(v / most);
   return t < -1e30f ? -1e30f : t;
}

SC_INLINE void find_most_of(Block *b, const void *x, bool half) {
   float sign[BLOCK];
   for (int64_t i = 0; i < b->n; i++) sign[i] = b->p[i] < 0 ? -1 : 1, b->most[i] = -INFINITY;
   for (int64_t p = 0; p < b->pixels; p++)
      for (int64_t i = 0; i < b->n; i++) {
         float v = sign[i] * raised(x, p * b->step + i, b->eps, half);
         b->most[i] = v > b->most[i] || v != v ? v : b->most[i];
      }
   for (int64_t i = 0; i < b->n; i++) b->most[i] *= sign[i];
}

SC_INLINE void add_powers_of(const Block *b, const void *x, double *sum, double *moment, bool half) {
   for (int64_t p = 0; p < b->pixels; p++)
      for (int64_t i = 0; i < b->n; i++) {
         float t = logarithm(raised(x, p * b->step + i, b->eps, half), b->most[i]);
         float e = sc_expf(b->p[i] * t);
         sum[i] += (double)e;
         moment[i] += (double)(e * t);
      }
}

SC_CLONES static void add_powers(Block *b, const void *x, double *sum, double *moment) {
   if (b->half) {
      find_most_of(b, x, true);
      add_powers_of(b, x, sum, moment, true);
   } else {
      find_most_of(b, x, false);
      add_powers_of(b, x, sum, moment, false);
   }
}

// Channel `i` of a block: its statistics and its mean.
static float finish(const Block *b, int64_t i, double sum, double moment, float *stats, int64_t step) {
   double mean = log(sum / (double)b->pixels), p = b->p[i], y = b->most[i] * exp(mean / p);
   if (stats) {
      stats[SC_GEM_MOST * step] = b->most[i];
      stats[SC_GEM_SHARE * step] = (float)(y / sum);
      stats[SC_GEM_SLOPE * step] = (float)(y * (moment / sum / p - mean / (p * p)));
   }
   return (float)y;
}

SC_INLINE void spread_of(const Block *b, const void *restrict x, const float *restrict share, void *restrict gx,
                         bool half) {
   for (int64_t p = 0; p < b->pixels; p++)
      for (int64_t i = 0; i < b->n; i++) {
         float v = raised(x, p * b->step + i, b->eps, half);
         float g = share[i] * sc_expf(b->p[i] * logarithm(v, b->most[i])) / v;
         sc_set(gx, p * b->step + i, half, sc_at(x, p * b->step + i, half) < b->eps ? 0 : g);
      }
}

SC_CLONES static void spread(const Block *b, const void *restrict x, const float *restrict share,
                             void *restrict gx) {
   if (b->half)
      spread_of(b, x, share, gx, true);
   else
      spread_of(b, x, share, gx, false);
}

// ---- calls ----

static int64_t blocks_of(const ScGem *g) {
   return (g->channels + BLOCK - 1) / BLOCK;
}

// Block number `task`; says where its first element is, and its first channel of all pictures.
static Block block_of(const ScCall *c, const ScGem *g, int64_t task, int64_t *at, int64_t *k) {
   int64_t image = task / blocks_of(g), from = task % blocks_of(g) * BLOCK, left = g->channels - from;
   const float *p = c->in[SC_GEM_P]->buffer->data;
   Block b = {g->pixels, g->channels, left < BLOCK ? left : BLOCK, (float)g->eps, sc_is_half(c->in[SC_GEM_X]),
              {0},       {0}};
   for (int64_t i = 0; i < b.n; i++) b.p[i] = g->each ? p[from + i] : *p;
   *at = image * g->pixels * g->channels + from;
   *k = image * g->channels + from;
   return b;
}

static ScStatus forward(ScCall *c) {
   ScGem g = sc_gem_sizes(c);
   const void *x = c->in[SC_GEM_X]->buffer->data;
   void *y = c->out[0]->buffer->data;
   float *stats = c->saved[0] ? c->saved[0]->buffer->data : NULL;
#pragma omp parallel for if (g.n * g.pixels * g.channels > WORTH_THREADS)
   for (int64_t task = 0; task < g.n * blocks_of(&g); task++) {
      int64_t at, k;
      double sum[BLOCK] = {0}, moment[BLOCK] = {0};
      Block b = block_of(c, &g, task, &at, &k);
      add_powers(&b, sc_past(x, at, b.half), sum, moment);
      for (int64_t i = 0; i < b.n; i++)
         sc_set(y, k + i, b.half,
                finish(&b, i, sum[i], moment[i], stats ? stats + k + i : NULL, g.n * g.channels));
   }
   return SC_OK;
}

static void gradient_of_x(const ScCall *c, const ScGem *g, const float *stats) {
   const void *x = c->in[SC_GEM_X]->buffer->data, *gy = c->grad_out[0]->buffer->data;
   void *gx = c->grad_in[SC_GEM_X]->buffer->data;
   int64_t count = g->n * g->channels;
#pragma omp parallel for if (count * g->pixels > WORTH_THREADS)
   for (int64_t task = 0; task < g->n * blocks_of(g); task++) {
      int64_t at, k;
      float share[BLOCK];
      Block b = block_of(c, g, task, &at, &k);
      for (int64_t i = 0; i < b.n; i++) {
         b.most[i] = stats[SC_GEM_MOST * count + k + i];
         share[i] = sc_at(gy, k + i, b.half) * stats[SC_GEM_SHARE * count + k + i];
      }
      spread(&b, sc_past(x, at, b.half), share, sc_past(gx, at, b.half));
   }
}

static ScStatus gradient_of_p(const ScCall *c, const ScGem *g, const float *slopes) {
   int64_t n = g->each ? g->channels : 1;
   const void *gy = c->grad_out[0]->buffer->data;
   bool half = sc_is_half(c->grad_out[0]);
   float *gp = c->grad_in[SC_GEM_P]->buffer->data;
   double *sums = calloc((size_t)n, sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t k = 0; k < g->n * g->channels; k++) sums[k % n] += (double)sc_at(gy, k, half) * slopes[k];
   for (int64_t i = 0; i < n; i++) gp[i] = (float)sums[i];
   free(sums);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScGem g = sc_gem_sizes(c);
   const float *stats = c->saved[0]->buffer->data;
   if (c->grad_in[SC_GEM_X]) gradient_of_x(c, &g, stats);
   if (!c->grad_in[SC_GEM_P]) return SC_OK;
   return gradient_of_p(c, &g, stats + SC_GEM_SLOPE * g.n * g.channels);
}

SC_KERNEL(cpu, gem_pool2d, SC_F32_AND_BF16, .forward = forward, .backward = backward)
