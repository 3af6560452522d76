// Two passes over memory forward (statistics, then everything else) and two backward (sums, then the gradient
// of x).
//
// The statistics are sums of x - c and of its square in float over a few rows, then in double, where c is near
// the mean: one pass, and no cancellation.
#include <math.h>
#include <omp.h>
#include <string.h>

#include "host/core/world_norm.h"
#include "host/ops/batch_norm.h"
#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/half.h"

enum { NARROW = 256, SAMPLES = 16, PER_CHANNEL = 9 };

typedef struct {
   ScNormRows loops;
   int64_t rows, channels, fold; // rows and channels of the tensor; tensor rows in a row of the loops
   int threads;
   bool training, joins, counts; // see sc_bn_joins; counts: what is here is among what statistics are of
   double values;                // in a channel, over all that they are of
   double eps;
   ScBuffer *scratch;
   double *sums; // 2 * width per thread
   float *part;  // 2 * width per thread
   float *next;  // per-channel arrays yet to be handed out
} Norm;

static const void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

static ScStatus start(Norm *b, ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X];
   *b = (Norm){.channels = x->shape[1],
               .fold = 1,
               .training = c->attr[SC_BN_TRAINING].i,
               .joins = sc_bn_joins(c),
               .counts = !sc_bn_only_joins(c),
               .eps = c->attr[SC_BN_EPS].f};
   b->rows = sc_numel(x) / b->channels;
   b->values = (double)b->rows;
   while (b->channels * b->fold < NARROW && b->rows % (2 * b->fold) == 0) b->fold *= 2;
   b->threads = sc_numel(x) < 1 << 15 ? 1 : omp_get_max_threads();
   size_t width = (size_t)(b->channels * b->fold), threads = (size_t)b->threads;
   SC_TRY(sc_buffer_new(&b->scratch, c->device,
                        threads * 2 * width * (sizeof(double) + sizeof(float)) +
                            PER_CHANNEL * width * sizeof(float)));
   b->sums = b->scratch->data;
   b->part = (float *)(b->sums + threads * 2 * width);
   b->next = b->part + threads * 2 * width;
   memset(b->sums, 0, threads * 2 * width * sizeof *b->sums);
   b->loops = (ScNormRows){.width = (int64_t)width,
                           .act = (ScAct)c->attr[SC_BN_ACT].i,
                           .half = sc_is_half(x),
                           .x = values(x),
                           .residual = values(c->in[SC_BN_RESIDUAL])};
   return SC_OK;
}

static float *per_channel(Norm *b) {
   float *array = b->next;
   b->next += b->loops.width;
   return array;
}

// Repeats the first `channels` values over the width.
static const float *repeat(const Norm *b, float *array) {
   for (int64_t i = b->channels; i < b->loops.width; i++) array[i] = array[i - b->channels];
   return array;
}

typedef void (*Summation)(const ScNormRows *, int64_t from, int64_t to, float *part, double *sums);
typedef void (*Map)(const ScNormRows *, int64_t from, int64_t to);

static int64_t share(const Norm *b, int thread) {
   return b->rows / b->fold * thread / b->threads;
}

// Leaves the sums per channel in b->sums[0..channels) and [width..width + channels).
static void sum_up(Norm *b, Summation summation) {
   int64_t width = b->loops.width;
#pragma omp parallel for num_threads(b->threads) schedule(static, 1)
   for (int t = 0; t < b->threads; t++)
      summation(&b->loops, share(b, t), share(b, t + 1), b->part + 2 * width * t, b->sums + 2 * width * t);
   for (int t = 1; t < b->threads; t++)
      for (int64_t i = 0; i < 2 * width; i++) b->sums[i] += b->sums[2 * width * t + i];
   for (int64_t i = b->channels; i < width; i++) {
      b->sums[i % b->channels] += b->sums[i];
      b->sums[width + i % b->channels] += b->sums[width + i];
   }
}

static void map(const Norm *b, Map function) {
#pragma omp parallel for num_threads(b->threads) schedule(static, 1)
   for (int t = 0; t < b->threads; t++) function(&b->loops, share(b, t), share(b, t + 1));
}

// The mean of some rows, near enough to the mean of all.
static const float *sample_mean(Norm *b) {
   float *mean = per_channel(b);
   int64_t samples = b->rows < SAMPLES ? b->rows : SAMPLES;
   for (int64_t i = 0; i < b->channels; i++) {
      double sum = 0;
      for (int64_t s = 0; s < samples; s++)
         sum += sc_at(b->loops.x, b->rows * s / samples * b->channels + i, b->loops.half);
      mean[i] = (float)(sum / (double)samples);
   }
   return repeat(b, mean);
}

static double at_least_0(double square) {
   return square > 0 || square != square ? square : 0;
}

// From the sums over this process's rows: those of all processes.
static ScStatus join(Norm *b, ScCall *c, const float *near, float *mean, float *var) {
   double n = (double)b->rows, *middle = b->sums, *square = b->sums + b->loops.width;
   for (int64_t i = 0; i < b->channels; i++) {
      double shift = middle[i] / n;
      square[i] = at_least_0(square[i] - middle[i] * shift);
      middle[i] = near[i] + shift;
   }
   ScMoments moments = {b->channels, b->counts ? n : 0, middle, square};
   SC_TRY(sc_world_join_moments(&moments));
   for (int64_t i = 0; i < b->channels; i++) {
      mean[i] = (float)middle[i];
      var[i] = (float)(square[i] / moments.count);
   }
   c->attr[SC_BN_VALUES].f = moments.count;
   return SC_OK;
}

static ScStatus batch_statistics(Norm *b, ScCall *c, float *mean, float *var) {
   const float *near = b->loops.mean = sample_mean(b);
   sum_up(b, sc_norm_sum);
   if (b->joins) return join(b, c, near, mean, var);
   double n = (double)b->rows;
   for (int64_t i = 0; i < b->channels; i++) {
      double shift = b->sums[i] / n, square = b->sums[b->loops.width + i] / n - shift * shift;
      mean[i] = (float)(near[i] + shift);
      var[i] = (float)at_least_0(square);
   }
   return SC_OK;
}

// What comes before the activation as x * scale + offset.
static void scale_and_offset(Norm *b, const ScCall *c, const float *mean, const float *var) {
   const float *weight = values(c->in[SC_BN_WEIGHT]), *bias = values(c->in[SC_BN_BIAS]);
   float *scale = per_channel(b), *offset = per_channel(b);
   for (int64_t i = 0; i < b->channels; i++) {
      double s = (weight ? weight[i] : 1) / sqrt(var[i] + b->eps);
      scale[i] = (float)s;
      offset[i] = (float)((bias ? bias[i] : 0) - mean[i] * s);
   }
   b->loops.scale = repeat(b, scale);
   b->loops.offset = repeat(b, offset);
}

static ScStatus forward(ScCall *c) {
   Norm b;
   ScStatus status = SC_OK;
   SC_TRY(start(&b, c));
   const float *mean = values(c->in[SC_BN_MEAN]), *var = values(c->in[SC_BN_VAR]);
   if (b.training) {
      mean = values(c->saved[SC_BN_BATCH_MEAN]), var = values(c->saved[SC_BN_BATCH_VAR]);
      status = batch_statistics(&b, c, c->saved[SC_BN_BATCH_MEAN]->buffer->data,
                                c->saved[SC_BN_BATCH_VAR]->buffer->data);
   }
   if (status == SC_OK) {
      scale_and_offset(&b, c, mean, var);
      b.loops.out = c->out[0]->buffer->data;
      map(&b, sc_norm_apply);
   }
   sc_buffer_release(b.scratch);
   return status;
}

// ---- backward ----

// Where the activation's derivative is dear (an exp), the first pass leaves the gradient before it where the
// second one writes that of x. In bf16 it would be rounded once more; without batch statistics there is one
// pass.
static bool keeps_gradient(const Norm *b) {
   return b->training && b->loops.mask == SC_MASK_X && !sc_act_by_result(b->loops.act) && !b->loops.half;
}

static void start_gradients(Norm *b, const ScCall *c, const float *mean, const float *var) {
   ScNormRows *l = &b->loops;
   l->y = values(c->out[0]);
   l->gy = values(c->grad_out[0]);
   l->mask = l->act == SC_ACT_NONE ? SC_MASK_NONE : l->y ? SC_MASK_Y : SC_MASK_X;
   float *copy = per_channel(b);
   memcpy(copy, mean, (size_t)b->channels * sizeof *copy);
   l->mean = repeat(b, copy);
   scale_and_offset(b, c, mean, var);
   if (c->grad_in[SC_BN_X]) l->gx = c->grad_in[SC_BN_X]->buffer->data;
   ScTensor *gresidual = c->grad_in[SC_BN_RESIDUAL];
   if (gresidual && l->mask != SC_MASK_NONE)
      l->gresidual = gresidual->buffer->data;
   else if (keeps_gradient(b))
      l->gresidual = l->gx;
}

static void store_weight_and_bias(const Norm *b, const ScCall *c, const float *var) {
   float *weight = c->grad_in[SC_BN_WEIGHT] ? c->grad_in[SC_BN_WEIGHT]->buffer->data : NULL;
   float *bias = c->grad_in[SC_BN_BIAS] ? c->grad_in[SC_BN_BIAS]->buffer->data : NULL;
   for (int64_t i = 0; i < b->channels; i++) {
      if (weight) weight[i] = (float)(b->sums[b->loops.width + i] / sqrt(var[i] + b->eps));
      if (bias) bias[i] = (float)b->sums[i];
   }
}

// What does not count has had its share in the gradients of weight and bias.
static ScStatus join_gradients(Norm *b, const ScCall *c) {
   double *plain = b->sums, *product = b->sums + b->loops.width;
   if (!b->counts) memset(b->sums, 0, 2 * (size_t)b->loops.width * sizeof *b->sums);
   b->values = c->attr[SC_BN_VALUES].f;
   return sc_world_join_gradients(b->channels, plain, product);
}

// gx = scale * (g - mean of g - xhat * mean of (g * xhat)) where the statistics are of x too, else scale * g.
static void input_gradient(Norm *b, const float *var) {
   b->loops.gscale = b->loops.scale;
   if (b->training && b->counts) {
      float *slope = per_channel(b), *offset = per_channel(b);
      double n = b->values;
      for (int64_t i = 0; i < b->channels; i++) {
         slope[i] = (float)(-b->loops.scale[i] * b->sums[b->loops.width + i] / (n * (var[i] + b->eps)));
         offset[i] = (float)(-b->loops.scale[i] * b->sums[i] / n);
      }
      b->loops.gslope = repeat(b, slope);
      b->loops.goffset = repeat(b, offset);
   }
   map(b, sc_norm_input_gradient);
}

// A residual's gradient is the incoming one, masked in the first pass; without activation the host may have
// handed it on.
static void copy_residual_gradient(const ScCall *c) {
   ScTensor *to = c->grad_in[SC_BN_RESIDUAL];
   if (to && to->buffer != c->grad_out[0]->buffer)
      memcpy(to->buffer->data, c->grad_out[0]->buffer->data, sc_nbytes(to));
}

static ScStatus backward(ScCall *c) {
   Norm b;
   SC_TRY(start(&b, c));
   const float *mean = values(b.training ? c->saved[SC_BN_BATCH_MEAN] : c->in[SC_BN_MEAN]);
   const float *var = values(b.training ? c->saved[SC_BN_BATCH_VAR] : c->in[SC_BN_VAR]);
   start_gradients(&b, c, mean, var);
   bool sums =
       c->grad_in[SC_BN_WEIGHT] || c->grad_in[SC_BN_BIAS] || (b.loops.gx && b.training) || b.loops.gresidual;
   if (sums) sum_up(&b, sc_norm_sum_gradients);
   store_weight_and_bias(&b, c, var);
   ScStatus status = b.loops.gx && b.joins ? join_gradients(&b, c) : SC_OK;
   if (status == SC_OK && b.loops.gx) input_gradient(&b, var);
   if (status == SC_OK && !b.loops.gresidual) copy_residual_gradient(c);
   sc_buffer_release(b.scratch);
   return status;
}

SC_KERNEL(cpu, batch_norm, SC_F32_AND_BF16, .forward = forward, .backward = backward)
