#include "host/ops/squeeze_excitation.h"

#include "kernels/ref/activation.h"
#include "kernels/ref/view.h"

enum { OUT = SC_SE_INPUTS, MEANS, SQUEEZED, EXCITED, SCALES, FORWARD_VIEWS };

// One layer: y[o] = bias[o] + sum of weight[o][i] * x[i].
static void layer(int64_t outputs, int64_t inputs, const double *weight, const double *bias, const double *x,
                  double *y) {
   for (int64_t o = 0; o < outputs; o++) {
      y[o] = bias[o];
      for (int64_t i = 0; i < inputs; i++) y[o] += weight[o * inputs + i] * x[i];
   }
}

// Where `to` is wanted.
static void keep(ScView to, int64_t n, int64_t each, const double *values) {
   if (to.v) memcpy(to.v + n * each, values, (size_t)each * sizeof *values);
}

static void forward_sample(ScSqueeze z, const ScView *v, int64_t n, double *scratch) {
   const double *x = v[SC_SE_X].v + n * z.pixels * z.channels;
   double *y = v[OUT].v + n * z.pixels * z.channels;
   double *means = scratch, *squeezed = means + z.channels, *active = squeezed + z.squeezed,
          *scales = active + z.squeezed;
   for (int64_t i = 0; i < z.channels; i++) {
      means[i] = 0;
      for (int64_t p = 0; p < z.pixels; p++) means[i] += x[p * z.channels + i];
      means[i] /= (double)z.pixels;
   }
   layer(z.squeezed, z.channels, v[SC_SE_WEIGHT1].v, v[SC_SE_BIAS1].v, means, squeezed);
   for (int64_t j = 0; j < z.squeezed; j++) active[j] = sc_act(z.act, squeezed[j]);
   layer(z.channels, z.squeezed, v[SC_SE_WEIGHT2].v, v[SC_SE_BIAS2].v, active, scales);
   keep(v[EXCITED], n, z.channels, scales);
   for (int64_t i = 0; i < z.channels; i++) scales[i] = sc_act(z.scale_act, scales[i]);
   for (int64_t i = 0; i < z.pixels * z.channels; i++) y[i] = x[i] * scales[i % z.channels];
   keep(v[MEANS], n, z.channels, means);
   keep(v[SQUEEZED], n, z.squeezed, squeezed);
   keep(v[SCALES], n, z.channels, scales);
}

static ScStatus forward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   ScView v[FORWARD_VIEWS];
   for (int i = 0; i < SC_SE_INPUTS; i++) v[i] = (ScView)SC_READ(c->in[i]);
   v[OUT] = (ScView)SC_WRITE(c->out[0]);
   for (int i = 0; i < SC_SE_SAVED; i++) v[MEANS + i] = (ScView)SC_WRITE(c->saved[i]);
   double *scratch;
   SC_TRY(sc_views_open_with(v, FORWARD_VIEWS, 2 * (z.channels + z.squeezed), &scratch));
   for (int64_t n = 0; n < z.n; n++) forward_sample(z, v, n, scratch);
   sc_views_close_with(v, FORWARD_VIEWS, scratch);
   return SC_OK;
}

// ---- backward ----

enum {
   B_X,
   B_WEIGHT1,
   B_WEIGHT2,
   B_MEANS,
   B_SQUEEZED,
   B_EXCITED,
   B_SCALES,
   GY,
   GX,
   GWEIGHT1,
   GBIAS1,
   GWEIGHT2,
   GBIAS2,
   BACKWARD_VIEWS
};

// The gradients through one layer, given those of its outputs. All but `weight` and `x` may be absent.
static void layer_back(int64_t outputs, int64_t inputs, const double *weight, const double *x, const double *gy,
                       double *gweight, double *gbias, double *gx) {
   for (int64_t i = 0; i < inputs; i++) gx[i] = 0;
   for (int64_t o = 0; o < outputs; o++) {
      if (gbias) gbias[o] += gy[o];
      for (int64_t i = 0; i < inputs; i++) {
         if (gweight) gweight[o * inputs + i] += gy[o] * x[i];
         gx[i] += gy[o] * weight[o * inputs + i];
      }
   }
}

static void backward_sample(ScSqueeze z, const ScView *v, int64_t n, double *scratch) {
   int64_t first = n * z.pixels * z.channels;
   const double *x = v[B_X].v + first, *gy = v[GY].v + first;
   const double *means = v[B_MEANS].v + n * z.channels, *squeezed = v[B_SQUEEZED].v + n * z.squeezed,
                *excited = v[B_EXCITED].v + n * z.channels, *scales = v[B_SCALES].v + n * z.channels;
   double *gscales = scratch, *active = gscales + z.channels, *gsqueezed = active + z.squeezed,
          *gmeans = gsqueezed + z.squeezed;
   for (int64_t i = 0; i < z.channels; i++) {
      gscales[i] = 0;
      for (int64_t p = 0; p < z.pixels; p++) gscales[i] += gy[p * z.channels + i] * x[p * z.channels + i];
      gscales[i] *= sc_act_derivative(z.scale_act, excited[i]);
   }
   for (int64_t j = 0; j < z.squeezed; j++) active[j] = sc_act(z.act, squeezed[j]);
   layer_back(z.channels, z.squeezed, v[B_WEIGHT2].v, active, gscales, v[GWEIGHT2].v, v[GBIAS2].v, gsqueezed);
   for (int64_t j = 0; j < z.squeezed; j++) gsqueezed[j] *= sc_act_derivative(z.act, squeezed[j]);
   layer_back(z.squeezed, z.channels, v[B_WEIGHT1].v, means, gsqueezed, v[GWEIGHT1].v, v[GBIAS1].v, gmeans);
   double *gx = v[GX].v ? v[GX].v + first : NULL;
   for (int64_t i = 0; gx && i < z.pixels * z.channels; i++)
      gx[i] = gy[i] * scales[i % z.channels] + gmeans[i % z.channels] / (double)z.pixels;
}

static ScStatus backward(ScCall *c) {
   ScSqueeze z = sc_squeeze_sizes(c);
   ScView v[BACKWARD_VIEWS] = {
       SC_READ(c->in[SC_SE_X]),         SC_READ(c->in[SC_SE_WEIGHT1]),     SC_READ(c->in[SC_SE_WEIGHT2]),
       SC_READ(c->saved[SC_SE_MEANS]),  SC_READ(c->saved[SC_SE_SQUEEZED]), SC_READ(c->saved[SC_SE_EXCITED]),
       SC_READ(c->saved[SC_SE_SCALES]), SC_READ(c->grad_out[0]),
   };
   for (int i = 0; i < SC_SE_INPUTS; i++) v[GX + i] = (ScView)SC_WRITE(c->grad_in[i]);
   double *scratch;
   SC_TRY(sc_views_open_with(v, BACKWARD_VIEWS, 2 * (z.channels + z.squeezed), &scratch));
   for (int64_t n = 0; n < z.n; n++) backward_sample(z, v, n, scratch);
   sc_views_close_with(v, BACKWARD_VIEWS, scratch);
   return SC_OK;
}

SC_KERNEL(ref, squeeze_excitation, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
