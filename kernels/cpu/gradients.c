#include "host/ops/gradients.h"

#include <math.h>
#include <stdlib.h>

#include "host/ops/group.h"
#include "kernels/cpu/clones.h"

enum { BLOCK = 16384, LANES = 8 };

static float *data_of(const ScCall *c, int list, int index, int64_t from) {
   return (float *)sc_group_at(c, list, index)->buffer->data + from;
}

static int64_t at_most(int64_t n) {
   return n < BLOCK ? n : BLOCK;
}

// ---- the norm: one partial sum a block, added in the order of the blocks, whatever the number of threads ----

SC_CLONES static double sum_of_squares(const float *x, int64_t n) {
   double lane[LANES] = {0};
   int64_t i = 0;
   for (; i + LANES <= n; i += LANES)
      for (int k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * x[i + k];
   double sum = 0;
   for (; i < n; i++) sum += (double)x[i] * x[i];
   for (int k = 0; k < LANES; k++) sum += lane[k];
   return sum;
}

static ScStatus norm(ScCall *c) {
   int64_t blocks = 0;
   for (int i = 0; i < c->count[0]; i++) blocks += (sc_numel(c->in[i]) + BLOCK - 1) / BLOCK;
   double *partial = malloc((size_t)blocks * sizeof *partial);
   if (!partial) return sc_fail(SC_EMEM, "list_norm: out of memory");
#pragma omp parallel
   {
      int64_t first = 0;
      for (int index = 0; index < c->count[0]; index++) {
         int64_t n = sc_numel(c->in[index]);
#pragma omp for nowait schedule(static)
         for (int64_t i = 0; i < n; i += BLOCK)
            partial[first + i / BLOCK] = sum_of_squares(data_of(c, 0, index, i), at_most(n - i));
         first += (n + BLOCK - 1) / BLOCK;
      }
   }
   double sum = 0;
   for (int64_t i = 0; i < blocks; i++) sum += partial[i];
   free(partial);
   *(float *)c->out[0]->buffer->data = (float)sqrt(sum);
   return SC_OK;
}

// ---- in place ----

SC_CLONES static void scale_run(float *x, int64_t n, float factor) {
   for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

SC_CLONES static void clamp_run(float *x, int64_t n, float limit) {
   for (int64_t i = 0; i < n; i++) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

SC_CLONES static void average_run(float *restrict a, const float *v, int64_t n, float fresh) {
   for (int64_t i = 0; i < n; i++) a[i] += fresh * (v[i] - a[i]);
}

static void multiply(ScCall *c, float factor) {
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(c->in[index]);
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK) scale_run(data_of(c, 0, index, i), at_most(n - i), factor);
   }
}

static ScStatus scale(ScCall *c) {
   multiply(c, (float)c->attr[0].f);
   return SC_OK;
}

static ScStatus clip(ScCall *c) {
   double norm = *(const float *)sc_group_at(c, SC_CLIP_NORM, 0)->buffer->data;
   double factor = c->attr[0].f / (norm + SC_CLIP_EPS);
   if (factor < 1) multiply(c, (float)factor);
   return SC_OK;
}

static ScStatus clamp(ScCall *c) {
   float limit = (float)c->attr[0].f;
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(c->in[index]);
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK) clamp_run(data_of(c, 0, index, i), at_most(n - i), limit);
   }
   return SC_OK;
}

static ScStatus average(ScCall *c) {
   if (sc_group_is_skipped(c, SC_AVERAGE_FOUND_INF)) return SC_OK;
   float fresh = (float)(1 - c->attr[0].f);
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      int64_t n = sc_numel(c->in[index]);
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK)
         average_run(data_of(c, SC_AVERAGE_AVERAGES, index, i), data_of(c, SC_AVERAGE_VALUES, index, i),
                     at_most(n - i), fresh);
   }
   return SC_OK;
}

SC_KERNEL(cpu, list_norm, .dtypes = 1u << SC_F32, .forward = norm)
SC_KERNEL(cpu, list_scale, .dtypes = 1u << SC_F32, .forward = scale)
SC_KERNEL(cpu, list_clip, .dtypes = 1u << SC_F32, .forward = clip)
SC_KERNEL(cpu, list_clamp, .dtypes = 1u << SC_F32, .forward = clamp)
SC_KERNEL(cpu, average_step, .dtypes = 1u << SC_F32, .forward = average)
