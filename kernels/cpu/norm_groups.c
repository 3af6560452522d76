// The loops of batch norm, on the pixels of one sample at a time: channel by channel sums, from which those of
// a group are joined; then each value times a scale of its channel plus an offset.
//
// A task is a part of a sample's pixels: one each where there are samples for all threads.
#include "kernels/cpu/norm_groups.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "kernels/cpu/batch_norm_loops.h"
#include "kernels/cpu/half.h"

enum { SAMPLES = 16, PER_CHANNEL = 4 };

typedef struct {
   ScGroups g;
   bool half;
   int64_t parts, tasks;
   const void *x, *gy;
   void *out, *gx;
   const float *weight, *bias;
   float *mean, *inverse; // of each sample and group, or NULL
   double *sums;          // 2 * channels of each task; those of a sample's first part become the sample's
   float *part;           // 2 * channels of each task
   float *near;           // channels of each task
   float *arrays;         // PER_CHANNEL * channels of each sample
   ScBuffer *scratch;
} Norm;

static const void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

static ScStatus start(Norm *b, ScCall *c) {
   const ScTensor *x = c->in[SC_GN_X];
   *b = (Norm){.g = sc_groups(c), .half = sc_is_half(x), .x = values(x), .weight = values(c->in[SC_GN_WEIGHT])};
   int64_t threads = sc_numel(x) < 1 << 15 ? 1 : omp_get_max_threads(), channels = b->g.channels;
   b->parts = (threads + b->g.samples - 1) / b->g.samples;
   if (b->parts > b->g.pixels) b->parts = b->g.pixels;
   b->tasks = b->g.samples * b->parts;
   size_t of_task =
       (size_t)(2 * channels) * (sizeof(double) + sizeof(float)) + (size_t)channels * sizeof(float);
   size_t of_sample = (size_t)(PER_CHANNEL * channels) * sizeof(float);
   SC_TRY(sc_buffer_new(&b->scratch, c->device, (size_t)b->tasks * of_task + (size_t)b->g.samples * of_sample));
   b->sums = b->scratch->data;
   b->part = (float *)(b->sums + 2 * channels * b->tasks);
   b->near = b->part + 2 * channels * b->tasks;
   b->arrays = b->near + channels * b->tasks;
   memset(b->sums, 0, (size_t)(2 * channels * b->tasks) * sizeof(double));
   return SC_OK;
}

static float *array(const Norm *b, int64_t sample, int i) {
   return b->arrays + (sample * PER_CHANNEL + i) * b->g.channels;
}

static const void *of_sample(const Norm *b, const void *data, int64_t sample) {
   return data ? sc_past(data, sample * b->g.pixels * b->g.channels, b->half) : NULL;
}

typedef void (*Work)(const Norm *, int64_t task, ScNormRows *, int64_t from, int64_t to);

static void each_task(const Norm *b, Work work) {
#pragma omp parallel for schedule(static) if (b->g.samples * b->g.pixels * b->g.channels >= 1 << 15)
   for (int64_t t = 0; t < b->tasks; t++) {
      int64_t sample = t / b->parts, part = t % b->parts;
      ScNormRows rows = {.width = b->g.channels,
                         .half = b->half,
                         .x = of_sample(b, b->x, sample),
                         .gy = of_sample(b, b->gy, sample),
                         .out = (void *)of_sample(b, b->out, sample),
                         .gx = (void *)of_sample(b, b->gx, sample)};
      work(b, t, &rows, b->g.pixels * part / b->parts, b->g.pixels * (part + 1) / b->parts);
   }
}

// Adds the sums of a sample's other parts to those of its first, which are returned.
static double *join_parts(const Norm *b, int64_t sample) {
   double *sums = b->sums + sample * b->parts * 2 * b->g.channels;
   for (int64_t part = 1; part < b->parts; part++)
      for (int64_t i = 0; i < 2 * b->g.channels; i++) sums[i] += sums[part * 2 * b->g.channels + i];
   return sums;
}

// ---- forward ----

// The mean of some of a sample's pixels, near enough to the mean of all.
static void sample_mean(const Norm *b, const void *x, float *mean) {
   int64_t channels = b->g.channels, samples = b->g.pixels < SAMPLES ? b->g.pixels : SAMPLES;
   for (int64_t i = 0; i < channels; i++) {
      double sum = 0;
      for (int64_t s = 0; s < samples; s++) sum += sc_at(x, b->g.pixels * s / samples * channels + i, b->half);
      mean[i] = (float)(sum / (double)samples);
   }
}

static void sum_pixels(const Norm *b, int64_t task, ScNormRows *rows, int64_t from, int64_t to) {
   float *near = b->near + task * b->g.channels;
   sample_mean(b, rows->x, near);
   rows->mean = near;
   sc_norm_sum(rows, from, to, b->part + task * 2 * b->g.channels, b->sums + task * 2 * b->g.channels);
}

typedef struct {
   double mean, inverse;
} Statistics;

// Of the channels [first, first + width), from the sums of (x - near) and of its square in each.
static Statistics join_channels(const Norm *b, const double *sums, const float *near, int64_t first) {
   double n = (double)b->g.pixels, width = (double)b->g.width, mean = 0, square = 0;
   for (int64_t i = first; i < first + b->g.width; i++) mean += (near[i] + sums[i] / n) / width;
   for (int64_t i = first; i < first + b->g.width; i++) {
      double shift = sums[i] / n, apart = near[i] + shift - mean,
             own = sums[b->g.channels + i] - n * shift * shift;
      square += (own > 0 || own != own ? own : 0) + n * apart * apart;
   }
   return (Statistics){mean, 1 / sqrt(square / (n * width) + b->g.eps)};
}

static void scale_and_offset(const Norm *b, int64_t sample) {
   const double *sums = join_parts(b, sample);
   const float *near = b->near + sample * b->parts * b->g.channels;
   float *scale = array(b, sample, 0), *offset = array(b, sample, 1);
   for (int64_t group = 0; group < b->g.groups; group++) {
      int64_t first = group * b->g.width, at = sample * b->g.groups + group;
      Statistics s = join_channels(b, sums, near, first);
      if (b->mean) b->mean[at] = (float)s.mean, b->inverse[at] = (float)s.inverse;
      for (int64_t i = first; i < first + b->g.width; i++) {
         double own = (b->weight ? b->weight[i] : 1) * s.inverse;
         scale[i] = (float)own;
         offset[i] = (float)((b->bias ? b->bias[i] : 0) - s.mean * own);
      }
   }
}

static void apply(const Norm *b, int64_t task, ScNormRows *rows, int64_t from, int64_t to) {
   rows->scale = array(b, task / b->parts, 0), rows->offset = array(b, task / b->parts, 1);
   sc_norm_apply(rows, from, to);
}

ScStatus sc_normed_groups(ScCall *c) {
   Norm b;
   SC_TRY(start(&b, c));
   b.bias = values(c->in[SC_GN_BIAS]);
   b.mean = (float *)values(c->saved[SC_GN_MEAN]), b.inverse = (float *)values(c->saved[SC_GN_INVERSE]);
   b.out = c->out[0]->buffer->data;
   each_task(&b, sum_pixels);
   for (int64_t sample = 0; sample < b.g.samples; sample++) scale_and_offset(&b, sample);
   each_task(&b, apply);
   sc_buffer_release(b.scratch);
   return SC_OK;
}

// ---- backward ----

enum { MEAN, SCALE, SLOPE, OFFSET }; // arrays of a sample

static void sum_gradients(const Norm *b, int64_t task, ScNormRows *rows, int64_t from, int64_t to) {
   rows->mean = array(b, task / b->parts, MEAN);
   sc_norm_sum_gradients(rows, from, to, b->part + task * 2 * b->g.channels,
                         b->sums + task * 2 * b->g.channels);
}

static void repeat_mean(const Norm *b, int64_t sample) {
   float *mean = array(b, sample, MEAN);
   for (int64_t i = 0; i < b->g.channels; i++) mean[i] = b->mean[sample * b->g.groups + i / b->g.width];
}

// gx = inverse * (g * weight - mean of that - normal * mean of (g * weight * normal))
static void slope_and_offset(const Norm *b, int64_t sample) {
   double *sums = join_parts(b, sample), n = (double)(b->g.pixels * b->g.width);
   for (int64_t group = 0; group < b->g.groups; group++) {
      double inverse = b->inverse[sample * b->g.groups + group], plain = 0, normal = 0;
      int64_t first = group * b->g.width;
      for (int64_t i = first; i < first + b->g.width; i++) {
         double *product = &sums[b->g.channels + i], weight = b->weight ? b->weight[i] : 1;
         *product *= inverse;
         plain += weight * sums[i], normal += weight * *product;
      }
      for (int64_t i = first; i < first + b->g.width; i++) {
         array(b, sample, SCALE)[i] = (float)((b->weight ? b->weight[i] : 1) * inverse);
         array(b, sample, SLOPE)[i] = (float)(-inverse * inverse * normal / n);
         array(b, sample, OFFSET)[i] = (float)(-inverse * plain / n);
      }
   }
}

static void input_gradient(const Norm *b, int64_t task, ScNormRows *rows, int64_t from, int64_t to) {
   int64_t sample = task / b->parts;
   rows->mean = array(b, sample, MEAN), rows->gscale = array(b, sample, SCALE);
   rows->gslope = array(b, sample, SLOPE), rows->goffset = array(b, sample, OFFSET);
   sc_norm_input_gradient(rows, from, to);
}

// The sums of all samples, from `offset` on.
static void store(const Norm *b, ScTensor *to, int64_t offset) {
   for (int64_t i = 0; to && i < b->g.channels; i++) {
      double sum = 0;
      for (int64_t s = 0; s < b->g.samples; s++) sum += b->sums[s * b->parts * 2 * b->g.channels + offset + i];
      ((float *)to->buffer->data)[i] = (float)sum;
   }
}

ScStatus sc_normed_groups_gradients(ScCall *c) {
   Norm b;
   SC_TRY(start(&b, c));
   b.mean = (float *)values(c->saved[SC_GN_MEAN]), b.inverse = (float *)values(c->saved[SC_GN_INVERSE]);
   b.gy = values(c->grad_out[0]), b.gx = (void *)values(c->grad_in[SC_GN_X]);
   for (int64_t sample = 0; sample < b.g.samples; sample++) repeat_mean(&b, sample);
   each_task(&b, sum_gradients);
   for (int64_t sample = 0; sample < b.g.samples; sample++) slope_and_offset(&b, sample);
   store(&b, c->grad_in[SC_GN_WEIGHT], b.g.channels);
   store(&b, c->grad_in[SC_GN_BIAS], 0);
   if (b.gx) each_task(&b, input_gradient);
   sc_buffer_release(b.scratch);
   return SC_OK;
}
