#include "host/ops/mlp.h"

#include "kernels/ref/activation.h"
#include "kernels/ref/view.h"

// ---- forward ----

enum { Y = SC_MLP_INPUTS, KEPT, FORWARD_VIEWS };

// y (rows, outputs) = x (rows, inputs) weight^T + bias.
static void layer(int64_t rows, int64_t inputs, int64_t outputs, const double *x, const double *weight,
                  const double *bias, double *y) {
#pragma omp parallel for
   for (int64_t i = 0; i < rows * outputs; i++) {
      const double *row = x + i / outputs * inputs, *filter = weight + i % outputs * inputs;
      y[i] = bias[i % outputs];
      for (int64_t k = 0; k < inputs; k++) y[i] += row[k] * filter[k];
   }
}

static ScStatus forward(ScCall *c) {
   ScMlp s = sc_mlp_sizes(c);
   ScView v[FORWARD_VIEWS];
   for (int i = 0; i < SC_MLP_INPUTS; i++) v[i] = (ScView)SC_READ(c->in[i]);
   v[Y] = (ScView)SC_WRITE(c->out[0]);
   v[KEPT] = (ScView)SC_WRITE(c->saved[SC_MLP_HIDDEN]);
   double *hidden;
   SC_TRY(sc_views_open_with(v, FORWARD_VIEWS, s.rows * s.hidden, &hidden));
   layer(s.rows, s.inputs, s.hidden, v[SC_MLP_X].v, v[SC_MLP_WEIGHT1].v, v[SC_MLP_BIAS1].v, hidden);
   for (int64_t i = 0; i < s.rows * s.hidden; i++) {
      if (v[KEPT].v) v[KEPT].v[i] = hidden[i];
      hidden[i] = sc_act(SC_ACT_GELU, hidden[i]);
   }
   layer(s.rows, s.hidden, s.outputs, hidden, v[SC_MLP_WEIGHT2].v, v[SC_MLP_BIAS2].v, v[Y].v);
   sc_views_close_with(v, FORWARD_VIEWS, hidden);
   return SC_OK;
}

// ---- backward ----

enum { B_X, B_WEIGHT1, B_WEIGHT2, B_KEPT, GY, GX, GWEIGHT1, GBIAS1, GWEIGHT2, GBIAS2, BACKWARD_VIEWS };

// Gradients through one layer of one row, given those of its outputs. All but `x` and `gy` may be absent.
static void layer_back(int64_t inputs, int64_t outputs, const double *weight, const double *x, const double *gy,
                       double *gweight, double *gbias, double *gx) {
   for (int64_t o = 0; o < outputs; o++) {
      if (gbias) gbias[o] += gy[o];
      for (int64_t i = 0; gweight && i < inputs; i++) gweight[o * inputs + i] += gy[o] * x[i];
      for (int64_t i = 0; gx && i < inputs; i++) gx[i] += gy[o] * weight[o * inputs + i];
   }
}

static double *row_of(ScView v, int64_t row, int64_t each) {
   return v.v ? v.v + row * each : NULL;
}

static void backward_row(ScMlp s, const ScView *v, int64_t row, double *active) {
   const double *kept = v[B_KEPT].v + row * s.hidden;
   bool first = v[GX].v || v[GWEIGHT1].v || v[GBIAS1].v;
   double *g = active + s.hidden;
   for (int64_t i = 0; i < s.hidden; i++) active[i] = sc_act(SC_ACT_GELU, kept[i]), g[i] = 0;
   layer_back(s.hidden, s.outputs, v[B_WEIGHT2].v, active, row_of(v[GY], row, s.outputs), v[GWEIGHT2].v,
              v[GBIAS2].v, first ? g : NULL);
   if (!first) return;
   for (int64_t i = 0; i < s.hidden; i++) g[i] *= sc_act_derivative(SC_ACT_GELU, kept[i]);
   layer_back(s.inputs, s.hidden, v[B_WEIGHT1].v, row_of(v[B_X], row, s.inputs), g, v[GWEIGHT1].v, v[GBIAS1].v,
              row_of(v[GX], row, s.inputs));
}

static ScStatus backward(ScCall *c) {
   ScMlp s = sc_mlp_sizes(c);
   ScView v[BACKWARD_VIEWS] = {
       SC_READ(c->in[SC_MLP_X]),
       SC_READ(c->in[SC_MLP_WEIGHT1]),
       SC_READ(c->in[SC_MLP_WEIGHT2]),
       SC_READ(c->saved[SC_MLP_HIDDEN]),
       SC_READ(c->grad_out[0]),
       SC_WRITE(c->grad_in[SC_MLP_X]),
       SC_WRITE(c->grad_in[SC_MLP_WEIGHT1]),
       SC_WRITE(c->grad_in[SC_MLP_BIAS1]),
       SC_WRITE(c->grad_in[SC_MLP_WEIGHT2]),
       SC_WRITE(c->grad_in[SC_MLP_BIAS2]),
   };
   double *scratch;
   SC_TRY(sc_views_open_with(v, BACKWARD_VIEWS, 2 * s.hidden, &scratch));
   for (int64_t row = 0; row < s.rows; row++) backward_row(s, v, row, scratch);
   sc_views_close_with(v, BACKWARD_VIEWS, scratch);
   return SC_OK;
}

SC_KERNEL(ref, mlp_rows, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
