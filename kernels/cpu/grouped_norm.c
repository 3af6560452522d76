// Layer norm and group norm: where each pixel is by itself its channels are normalised row by row, one pass
// over memory each way; else sample by sample.
#include "host/ops/grouped_norm.h"

#include <omp.h>
#include <string.h>

#include "kernels/cpu/half.h"
#include "kernels/cpu/norm_groups.h"
#include "kernels/cpu/norm_rows.h"

typedef struct {
   ScNormedRows loops;
   int64_t rows, channels;
   int threads;
   float *part;  // 2 * channels per thread
   double *sums; // 2 * channels per thread
   ScBuffer *scratch;
} Rows;

static void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// The tensor's values, or one value throughout, for which there is room at `room`.
static const float *per_channel(const ScTensor *t, float value, float *room, int64_t channels) {
   if (values(t)) return values(t);
   for (int64_t i = 0; i < channels; i++) room[i] = value;
   return room;
}

static ScStatus start(Rows *r, ScCall *c, bool backward) {
   ScGroups g = sc_groups(c);
   const ScTensor *x = c->in[SC_GN_X];
   *r = (Rows){.rows = g.samples * g.groups, .channels = g.channels};
   r->threads = sc_numel(x) < 1 << 15 ? 1 : omp_get_max_threads();
   int64_t sums = backward ? 2 * g.channels * r->threads : 0;
   SC_TRY(sc_buffer_new(&r->scratch, c->device,
                        (size_t)sums * (sizeof(double) + sizeof(float)) +
                            (size_t)(2 * g.channels) * sizeof(float)));
   r->sums = r->scratch->data;
   r->part = (float *)(r->sums + sums);
   float *room = r->part + sums;
   memset(r->sums, 0, (size_t)sums * sizeof(double));
   r->loops = (ScNormedRows){.n = g.width,
                             .groups = g.groups,
                             .half = sc_is_half(x),
                             .eps = g.eps,
                             .x = values(x),
                             .weight = per_channel(c->in[SC_GN_WEIGHT], 1, room, g.channels),
                             .bias = per_channel(c->in[SC_GN_BIAS], 0, room + g.channels, g.channels),
                             .mean = values(c->saved[SC_GN_MEAN]),
                             .inverse = values(c->saved[SC_GN_INVERSE])};
   return SC_OK;
}

static int64_t share(const Rows *r, int thread) {
   return r->rows * thread / r->threads;
}

static ScStatus forward(ScCall *c) {
   if (sc_groups(c).pixels > 1) return sc_normed_groups(c);
   Rows r;
   SC_TRY(start(&r, c, false));
   r.loops.out = values(c->out[0]);
#pragma omp parallel for num_threads(r.threads) schedule(static, 1)
   for (int t = 0; t < r.threads; t++) sc_normed_rows(&r.loops, share(&r, t), share(&r, t + 1));
   sc_buffer_release(r.scratch);
   return SC_OK;
}

static void store(const Rows *r, ScTensor *to, int64_t offset) {
   for (int64_t i = 0; to && i < r->channels; i++) {
      double sum = 0;
      for (int t = 0; t < r->threads; t++) sum += r->sums[2 * r->channels * t + offset + i];
      ((float *)to->buffer->data)[i] = (float)sum;
   }
}

static ScStatus backward(ScCall *c) {
   if (sc_groups(c).pixels > 1) return sc_normed_groups_gradients(c);
   Rows r;
   SC_TRY(start(&r, c, true));
   r.loops.gy = values(c->grad_out[0]), r.loops.gx = values(c->grad_in[SC_GN_X]);
   r.loops.sums = c->grad_in[SC_GN_WEIGHT] || c->grad_in[SC_GN_BIAS];
#pragma omp parallel for num_threads(r.threads) schedule(static, 1)
   for (int t = 0; t < r.threads; t++)
      sc_normed_rows_gradients(&r.loops, share(&r, t), share(&r, t + 1), r.part + 2 * r.channels * t,
                               r.sums + 2 * r.channels * t);
   store(&r, c->grad_in[SC_GN_WEIGHT], 0);
   store(&r, c->grad_in[SC_GN_BIAS], r.channels);
   sc_buffer_release(r.scratch);
   return SC_OK;
}

SC_KERNEL(cpu, grouped_norm, SC_F32_AND_BF16, .forward = forward, .backward = backward)
