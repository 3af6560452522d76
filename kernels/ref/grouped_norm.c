#include "host/ops/grouped_norm.h"

#include <math.h>

#include "kernels/ref/view.h"

// A sample's group, all as doubles.
typedef struct {
   ScGroups g;
   const double *x, *weight, *bias, *gy;
   double *gx, *gweight, *gbias; // NULL where not wanted
} Norm;

// Where the value of a channel of the group lies in x.
static int64_t place(const ScGroups *g, int64_t sample, int64_t pixel, int64_t channel) {
   return (sample * g->pixels + pixel) * g->channels + channel;
}

#define EACH_VALUE(g, group)                                                                                   \
   for (int64_t p = 0; p < (g)->pixels; p++)                                                                   \
      for (int64_t ch = (group) * (g)->width; ch < ((group) + 1) * (g)->width; ch++)

static void statistics(const Norm *b, int64_t sample, int64_t group, double *mean, double *inverse) {
   const ScGroups *g = &b->g;
   double n = (double)(g->pixels * g->width), sum = 0, square = 0;
   EACH_VALUE(g, group) sum += b->x[place(g, sample, p, ch)];
   *mean = sum / n;
   EACH_VALUE(g, group) {
      double d = b->x[place(g, sample, p, ch)] - *mean;
      square += d * d;
   }
   *inverse = 1 / sqrt(square / n + g->eps);
}

static ScStatus forward(ScCall *c) {
   ScView v[] = {SC_READ(c->in[SC_GN_X]),        SC_READ(c->in[SC_GN_WEIGHT]),      SC_READ(c->in[SC_GN_BIAS]),
                 SC_WRITE(c->saved[SC_GN_MEAN]), SC_WRITE(c->saved[SC_GN_INVERSE]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 6));
   Norm b = {.g = sc_groups(c), .x = v[0].v, .weight = v[1].v, .bias = v[2].v};
   const ScGroups *g = &b.g;
   for (int64_t i = 0; i < g->samples * g->groups; i++) {
      double mean, inverse;
      statistics(&b, i / g->groups, i % g->groups, &mean, &inverse);
      if (v[3].v) v[3].v[i] = mean, v[4].v[i] = inverse;
      EACH_VALUE(g, i % g->groups) {
         int64_t at = place(g, i / g->groups, p, ch);
         v[5].v[at] = (b.x[at] - mean) * inverse * (b.weight ? b.weight[ch] : 1) + (b.bias ? b.bias[ch] : 0);
      }
   }
   sc_views_close(v, 6);
   return SC_OK;
}

static void gradients(const Norm *b, int64_t sample, int64_t group, double mean, double inverse) {
   const ScGroups *g = &b->g;
   double n = (double)(g->pixels * g->width), sum = 0, product = 0; // of g * weight, alone and with the value
   EACH_VALUE(g, group) {
      int64_t at = place(g, sample, p, ch);
      double normal = (b->x[at] - mean) * inverse, scaled = b->gy[at] * (b->weight ? b->weight[ch] : 1);
      sum += scaled, product += scaled * normal;
      if (b->gweight) b->gweight[ch] += b->gy[at] * normal;
      if (b->gbias) b->gbias[ch] += b->gy[at];
   }
   if (!b->gx) return;
   EACH_VALUE(g, group) {
      int64_t at = place(g, sample, p, ch);
      double normal = (b->x[at] - mean) * inverse, scaled = b->gy[at] * (b->weight ? b->weight[ch] : 1);
      b->gx[at] = inverse * (scaled - sum / n - normal * product / n);
   }
}

static ScStatus backward(ScCall *c) {
   ScView v[] = {SC_READ(c->in[SC_GN_X]),
                 SC_READ(c->in[SC_GN_WEIGHT]),
                 SC_READ(c->saved[SC_GN_MEAN]),
                 SC_READ(c->saved[SC_GN_INVERSE]),
                 SC_READ(c->grad_out[0]),
                 SC_WRITE(c->grad_in[SC_GN_X]),
                 SC_WRITE(c->grad_in[SC_GN_WEIGHT]),
                 SC_WRITE(c->grad_in[SC_GN_BIAS])};
   SC_TRY(sc_views_open(v, 8));
   Norm b = {.g = sc_groups(c),
             .x = v[0].v,
             .weight = v[1].v,
             .gy = v[4].v,
             .gx = v[5].v,
             .gweight = v[6].v,
             .gbias = v[7].v};
   const ScGroups *g = &b.g;
   for (int64_t i = 0; i < g->samples * g->groups; i++)
      gradients(&b, i / g->groups, i % g->groups, v[2].v[i], v[3].v[i]);
   sc_views_close(v, 8);
   return SC_OK;
}

SC_KERNEL(ref, grouped_norm, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
