#include "kernels/ref/activation.h"
#include "kernels/ref/conv2d.h"
#include "kernels/ref/view.h"

static ScStatus forward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   double eps = c->attr[SC_FOLDED_EPS].f;
   ScAct act = (ScAct)c->attr[SC_FOLDED_ACT].i;
   ScView v[SC_FOLDED_INPUTS + 1];
   for (int i = 0; i < SC_FOLDED_INPUTS; i++) v[i] = (ScView)SC_READ(c->in[i]);
   v[SC_FOLDED_INPUTS] = (ScView)SC_WRITE(c->out[0]);
   SC_TRY(sc_views_open(v, SC_FOLDED_INPUTS + 1));
   const double *weight = v[SC_FOLDED_BN_WEIGHT].v, *bias = v[SC_FOLDED_BN_BIAS].v, *mean = v[SC_FOLDED_MEAN].v;
   const double *var = v[SC_FOLDED_VAR].v, *residual = v[SC_FOLDED_RESIDUAL].v;
   double *y = v[SC_FOLDED_INPUTS].v;
   sc_ref_conv2d(&g, v[SC_CONV_X].v, v[SC_CONV_WEIGHT].v, v[SC_CONV_BIAS].v, y);
   for (int64_t p = 0; p < g.n * g.oh * g.ow; p++)
      for (int64_t o = 0; o < g.o; o++) {
         double *value = &y[p * g.o + o];
         *value = (*value - mean[o]) / sqrt(var[o] + eps) * (weight ? weight[o] : 1) + (bias ? bias[o] : 0);
         *value = sc_act(act, *value + (residual ? residual[p * g.o + o] : 0));
      }
   sc_views_close(v, SC_FOLDED_INPUTS + 1);
   return SC_OK;
}

SC_KERNEL(ref, conv2d_folded, .dtypes = SC_FLOATS, .forward = forward)
