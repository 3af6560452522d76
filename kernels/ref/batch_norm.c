#include "host/core/world_norm.h"
#include "host/ops/batch_norm.h"
#include "kernels/ref/activation.h"
#include "kernels/ref/view.h"

// Values lie in rows of C channels, one row a pixel.
typedef struct {
   int64_t rows, channels;
   double values; // in a channel, over all that statistics and sums are of
   double eps;
   ScAct act;
   bool training, counts; // counts: what is here is among them
   const double *x, *weight, *bias, *residual, *y;
   double *mean, *var;
} Norm;

static Norm describe(const ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X];
   int64_t rows = sc_numel(x) / x->shape[1];
   return (Norm){.rows = rows,
                 .channels = x->shape[1],
                 .values = (double)rows,
                 .counts = !sc_bn_only_joins(c),
                 .eps = c->attr[SC_BN_EPS].f,
                 .act = (ScAct)c->attr[SC_BN_ACT].i,
                 .training = c->attr[SC_BN_TRAINING].i};
}

// The value normalised, before scale and shift.
static double normal(const Norm *b, int64_t row, int64_t channel) {
   return (b->x[row * b->channels + channel] - b->mean[channel]) / sqrt(b->var[channel] + b->eps);
}

static double before_act(const Norm *b, int64_t row, int64_t channel) {
   double scale = b->weight ? b->weight[channel] : 1, shift = b->bias ? b->bias[channel] : 0;
   return normal(b, row, channel) * scale + shift +
          (b->residual ? b->residual[row * b->channels + channel] : 0);
}

// Leaves the sums of squares about the mean in var.
static void sums_of_squares(const Norm *b) {
   for (int64_t r = 0; r < b->rows; r++)
      for (int64_t ch = 0; ch < b->channels; ch++) b->mean[ch] += b->x[r * b->channels + ch];
   for (int64_t ch = 0; ch < b->channels; ch++) b->mean[ch] /= (double)b->rows;
   for (int64_t r = 0; r < b->rows; r++)
      for (int64_t ch = 0; ch < b->channels; ch++) {
         double d = b->x[r * b->channels + ch] - b->mean[ch];
         b->var[ch] += d * d;
      }
}

static ScStatus batch_statistics(Norm *b, ScCall *c) {
   sums_of_squares(b);
   if (sc_bn_joins(c)) {
      ScMoments moments = {b->channels, b->counts ? b->values : 0, b->mean, b->var};
      SC_TRY(sc_world_join_moments(&moments));
      c->attr[SC_BN_VALUES].f = b->values = moments.count;
   }
   for (int64_t ch = 0; ch < b->channels; ch++) b->var[ch] /= b->values;
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   Norm b = describe(c);
   ScView v[] = {SC_READ(c->in[SC_BN_X]),
                 SC_READ(c->in[SC_BN_WEIGHT]),
                 SC_READ(c->in[SC_BN_BIAS]),
                 SC_READ(c->in[SC_BN_RESIDUAL]),
                 {.tensor = b.training ? c->saved[SC_BN_BATCH_MEAN] : c->in[SC_BN_MEAN], .write = b.training},
                 {.tensor = b.training ? c->saved[SC_BN_BATCH_VAR] : c->in[SC_BN_VAR], .write = b.training},
                 SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 7));
   b.x = v[0].v, b.weight = v[1].v, b.bias = v[2].v, b.residual = v[3].v, b.mean = v[4].v, b.var = v[5].v;
   ScStatus status = b.training ? batch_statistics(&b, c) : SC_OK;
   for (int64_t r = 0; r < b.rows && status == SC_OK; r++)
      for (int64_t ch = 0; ch < b.channels; ch++)
         v[6].v[r * b.channels + ch] = sc_act(b.act, before_act(&b, r, ch));
   sc_views_close(v, 7);
   return status;
}

// The gradient before the activation. y is kept only where it tells the activation's derivative.
static double masked(const Norm *b, const double *gy, int64_t row, int64_t channel) {
   int64_t at = row * b->channels + channel;
   if (b->act == SC_ACT_NONE) return gy[at];
   return gy[at] * sc_act_derivative(b->act, b->y ? b->y[at] : before_act(b, row, channel));
}

typedef struct {
   double *x, *weight, *bias, *residual; // NULL where not wanted
} Gradients;

// Sums of the gradient before the activation, and of that times the normalised value.
typedef struct {
   double *plain, *normal; // (channels)
} Sums;

static void channel_sums(const Norm *b, const double *gy, int64_t ch, Gradients to, Sums sums) {
   double sum = 0, sum_normal = 0;
   for (int64_t r = 0; r < b->rows; r++) {
      double g = masked(b, gy, r, ch);
      sum += g;
      if (b->x) sum_normal += g * normal(b, r, ch);
      if (to.residual) to.residual[r * b->channels + ch] = g;
   }
   if (to.weight) to.weight[ch] = sum_normal;
   if (to.bias) to.bias[ch] = sum;
   sums.plain[ch] = b->counts ? sum : 0;
   sums.normal[ch] = b->counts ? sum_normal : 0;
}

static void channel_gradient(const Norm *b, const double *gy, int64_t ch, double *gx, Sums sums) {
   double scale = (b->weight ? b->weight[ch] : 1) / sqrt(b->var[ch] + b->eps), n = b->values;
   for (int64_t r = 0; r < b->rows; r++) {
      double g = masked(b, gy, r, ch);
      if (b->training && b->counts) // the statistics depend on x too
         g -= sums.plain[ch] / n + normal(b, r, ch) * sums.normal[ch] / n;
      gx[r * b->channels + ch] = g * scale;
   }
}

static ScStatus gradients(Norm *b, const ScCall *c, const double *gy, Gradients to, Sums sums) {
#pragma omp parallel for
   for (int64_t ch = 0; ch < b->channels; ch++) channel_sums(b, gy, ch, to, sums);
   if (!to.x) return SC_OK;
   if (sc_bn_joins(c)) {
      SC_TRY(sc_world_join_gradients(b->channels, sums.plain, sums.normal));
      b->values = c->attr[SC_BN_VALUES].f;
   }
#pragma omp parallel for
   for (int64_t ch = 0; ch < b->channels; ch++) channel_gradient(b, gy, ch, to.x, sums);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   Norm b = describe(c);
   ScView v[] = {SC_READ(c->in[SC_BN_X]),
                 SC_READ(c->in[SC_BN_WEIGHT]),
                 SC_READ(c->in[SC_BN_BIAS]),
                 SC_READ(c->in[SC_BN_RESIDUAL]),
                 SC_READ(b.training ? c->saved[SC_BN_BATCH_MEAN] : c->in[SC_BN_MEAN]),
                 SC_READ(b.training ? c->saved[SC_BN_BATCH_VAR] : c->in[SC_BN_VAR]),
                 SC_READ(c->out[0]),
                 SC_READ(c->grad_out[0]),
                 SC_WRITE(c->grad_in[SC_BN_X]),
                 SC_WRITE(c->grad_in[SC_BN_WEIGHT]),
                 SC_WRITE(c->grad_in[SC_BN_BIAS]),
                 SC_WRITE(c->grad_in[SC_BN_RESIDUAL])};
   double *sums = malloc(2 * (size_t)b.channels * sizeof *sums);
   ScStatus status = sums ? sc_views_open(v, 12) : sc_fail(SC_EMEM, "out of memory");
   if (status != SC_OK) {
      free(sums);
      return status;
   }
   b.x = v[0].v, b.weight = v[1].v, b.bias = v[2].v, b.residual = v[3].v, b.mean = v[4].v, b.var = v[5].v,
   b.y = v[6].v;
   status =
       gradients(&b, c, v[7].v, (Gradients){v[8].v, v[9].v, v[10].v, v[11].v}, (Sums){sums, sums + b.channels});
   sc_views_close(v, 12);
   free(sums);
   return status;
}

SC_KERNEL(ref, batch_norm, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
