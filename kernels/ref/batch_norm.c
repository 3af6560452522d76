#include "host/ops/batch_norm.h"
#include "kernels/ref/activation.h"
#include "kernels/ref/view.h"

// Values lie in rows of C channels, one row a pixel.
typedef struct {
   int64_t rows, channels;
   double eps;
   ScAct act;
   bool training;
   const double *x, *weight, *bias, *residual, *y;
   double *mean, *var;
} Norm;

static Norm describe(const ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X];
   return (Norm){.rows = sc_numel(x) / x->shape[1],
                 .channels = x->shape[1],
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

static void batch_statistics(const Norm *b) {
   double rows = (double)b->rows;
   for (int64_t r = 0; r < b->rows; r++)
      for (int64_t ch = 0; ch < b->channels; ch++) b->mean[ch] += b->x[r * b->channels + ch];
   for (int64_t ch = 0; ch < b->channels; ch++) b->mean[ch] /= rows;
   for (int64_t r = 0; r < b->rows; r++)
      for (int64_t ch = 0; ch < b->channels; ch++) {
         double d = b->x[r * b->channels + ch] - b->mean[ch];
         b->var[ch] += d * d;
      }
   for (int64_t ch = 0; ch < b->channels; ch++) b->var[ch] /= rows;
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
   if (b.training) batch_statistics(&b);
   for (int64_t r = 0; r < b.rows; r++)
      for (int64_t ch = 0; ch < b.channels; ch++)
         v[6].v[r * b.channels + ch] = sc_act(b.act, before_act(&b, r, ch));
   sc_views_close(v, 7);
   return SC_OK;
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

static void channel_gradients(const Norm *b, const double *gy, int64_t ch, Gradients to) {
   double sum = 0, sum_normal = 0;
   for (int64_t r = 0; r < b->rows; r++) {
      double g = masked(b, gy, r, ch);
      sum += g;
      if (b->x) sum_normal += g * normal(b, r, ch);
      if (to.residual) to.residual[r * b->channels + ch] = g;
   }
   if (to.weight) to.weight[ch] = sum_normal;
   if (to.bias) to.bias[ch] = sum;
   if (!to.x) return;
   double scale = (b->weight ? b->weight[ch] : 1) / sqrt(b->var[ch] + b->eps), n = (double)b->rows;
   for (int64_t r = 0; r < b->rows; r++) {
      double g = masked(b, gy, r, ch);
      if (b->training) g -= sum / n + normal(b, r, ch) * sum_normal / n; // the statistics depend on x too
      to.x[r * b->channels + ch] = g * scale;
   }
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
   SC_TRY(sc_views_open(v, 12));
   b.x = v[0].v, b.weight = v[1].v, b.bias = v[2].v, b.residual = v[3].v, b.mean = v[4].v, b.var = v[5].v,
   b.y = v[6].v;
#pragma omp parallel for
   for (int64_t ch = 0; ch < b.channels; ch++)
      channel_gradients(&b, v[7].v, ch, (Gradients){v[8].v, v[9].v, v[10].v, v[11].v});
   sc_views_close(v, 12);
   return SC_OK;
}

SC_KERNEL(ref, batch_norm, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
