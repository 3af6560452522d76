#include "host/ops/conv2d.h"

#include "kernels/cuda/capability.h"
#include "kernels/cuda/conv_plan.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/depthwise_filters.h"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/folded.h"

static void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// y = act(convolution of x with w + shift + residual): own kernels do so in one, after cuDNN's comes another.
static ScStatus convolve(const ScCall *c, const ScConv *g, ScConvSides s, ScDepthwiseEnd end) {
   ScDtype dtype = c->in[SC_CONV_X]->dtype;
   if (sc_is_depthwise(g)) return sc_depthwise_forward(c->device, c->op->name, dtype, g, s.x, s.w, end, s.y);
   SC_TRY(sc_conv_run(c->device, c->op->name, SC_PLAN_FORWARD, dtype, g, s));
   if (!end.shift && !end.residual && end.act == SC_ACT_NONE) return SC_OK;
   return sc_cuda_finish(c->device, c->op->name, dtype, g->n * g->oh * g->ow, g->o, s.y, end.shift,
                         end.residual, end.act);
}

static ScStatus derive(const ScCall *c, ScPlanKind kind, const ScConv *g, ScConvSides s) {
   const ScDevice *device = c->device;
   const char *what = c->op->name;
   ScDtype dtype = c->in[SC_CONV_X]->dtype;
   if (!sc_is_depthwise(g)) return sc_conv_run(device, what, kind, dtype, g, s);
   if (kind == SC_PLAN_INPUT_GRAD) return sc_depthwise_input_grad(device, what, dtype, g, s.y, s.w, s.x);
   return sc_depthwise_weight_grad(device, what, dtype, g, s.x, s.y, s.w);
}

// cuDNN adds a bias of x's dtype; that of halves is f32.
static bool adds_bias(const ScCall *c, const ScConv *g) {
   return c->in[SC_CONV_BIAS] && c->in[SC_CONV_X]->dtype == SC_F32 && !c->recording && !sc_is_depthwise(g);
}

static ScStatus forward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   const void *bias = values(c->in[SC_CONV_BIAS]);
   ScConvSides sides = {values(c->in[SC_CONV_X]), values(c->in[SC_CONV_WEIGHT]), values(c->out[0]), bias, NULL};
   ScStatus status = adds_bias(c, &g)
                         ? sc_conv_run(c->device, c->op->name, SC_PLAN_FORWARD_ADD, SC_F32, &g, sides)
                         : SC_EUNSUPPORTED;
   if (status != SC_EUNSUPPORTED) return status;
   return convolve(c, &g, sides, (ScDepthwiseEnd){bias, NULL, SC_ACT_NONE});
}

static ScStatus backward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   void *x = values(c->in[SC_CONV_X]), *w = values(c->in[SC_CONV_WEIGHT]), *gy = values(c->grad_out[0]);
   void *gx = values(c->grad_in[SC_CONV_X]), *gw = values(c->grad_in[SC_CONV_WEIGHT]);
   void *gb = values(c->grad_in[SC_CONV_BIAS]);
   if (gx) SC_TRY(derive(c, SC_PLAN_INPUT_GRAD, &g, (ScConvSides){.x = gx, .w = w, .y = gy}));
   if (gw) SC_TRY(derive(c, SC_PLAN_WEIGHT_GRAD, &g, (ScConvSides){.x = x, .w = gw, .y = gy}));
   if (!gb) return SC_OK;
   return sc_cuda_column_sums(c->device, c->op->name, c->in[SC_CONV_X]->dtype, g.n * g.oh * g.ow, g.o, gy, gb);
}

enum { DTYPES = 1u << SC_F32 | 1u << SC_F16 };
SC_KERNEL(cuda, conv2d, .dtypes = DTYPES, .more_dtypes = sc_cuda_halves, .forward = forward,
          .backward = backward)

// ---- with batch norm folded into the filters ----

// The convolution and all that follows in one, where cuDNN does that: it knows ReLU, or no activation.
static ScStatus run_in_one(const ScCall *c, const ScConv *g, const ScFolded *f) {
   ScAct act = (ScAct)c->attr[SC_FOLDED_ACT].i;
   if (sc_is_depthwise(g) || (act != SC_ACT_NONE && act != SC_ACT_RELU)) return SC_EUNSUPPORTED;
   ScConvSides sides = {values(c->in[SC_CONV_X]), f->weights, values(c->out[0]), f->narrow_shift,
                        values(c->in[SC_FOLDED_RESIDUAL])};
   return sc_conv_run(c->device, c->op->name, act == SC_ACT_RELU ? SC_PLAN_FORWARD_RELU : SC_PLAN_FORWARD_ADD,
                      c->in[SC_CONV_X]->dtype, g, sides);
}

static ScStatus forward_folded(ScCall *c) {
   ScFolded f;
   ScConv g = sc_conv_geometry(c);
   SC_TRY(sc_folded_find(c, &f));
   ScStatus status = run_in_one(c, &g, &f);
   if (status != SC_EUNSUPPORTED) return status;
   ScConvSides sides = {.x = values(c->in[SC_CONV_X]), .w = f.weights, .y = values(c->out[0])};
   ScDepthwiseEnd end = {f.shift, values(c->in[SC_FOLDED_RESIDUAL]), (ScAct)c->attr[SC_FOLDED_ACT].i};
   return convolve(c, &g, sides, end);
}

SC_KERNEL(cuda, conv2d_folded, .dtypes = DTYPES, .more_dtypes = sc_cuda_halves, .forward = forward_folded)
