#include "host/ops/conv2d.h"

#include "kernels/cuda/conv_plan.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/depthwise_filters.h"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/conv2d_fold.h"

static void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

static ScStatus convolve(const ScCall *c, ScPlanKind kind, const ScConv *g, ScConvSides s) {
   const ScDevice *device = c->device;
   const char *what = c->op->name;
   ScDtype dtype = c->in[SC_CONV_X]->dtype;
   if (!sc_is_depthwise(g)) return sc_conv_run(device, what, kind, dtype, g, s);
   switch (kind) {
   case SC_PLAN_FORWARD: return sc_depthwise_forward(device, what, dtype, g, s.x, s.w, s.y);
   case SC_PLAN_INPUT_GRAD: return sc_depthwise_input_grad(device, what, dtype, g, s.y, s.w, s.x);
   default: return sc_depthwise_weight_grad(device, what, dtype, g, s.x, s.y, s.w);
   }
}

static ScStatus finish(const ScCall *c, const ScConv *g, const void *shift, const void *residual, ScAct act) {
   if (!shift && !residual && act == SC_ACT_NONE) return SC_OK;
   return sc_cuda_finish(c->device, c->op->name, c->out[0]->dtype, g->n * g->oh * g->ow, g->o,
                         values(c->out[0]), shift, residual, act);
}

static ScStatus forward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   ScConvSides sides = {values(c->in[SC_CONV_X]), values(c->in[SC_CONV_WEIGHT]), values(c->out[0])};
   SC_TRY(convolve(c, SC_PLAN_FORWARD, &g, sides));
   return finish(c, &g, values(c->in[SC_CONV_BIAS]), NULL, SC_ACT_NONE);
}

static ScStatus backward(ScCall *c) {
   ScConv g = sc_conv_geometry(c);
   void *x = values(c->in[SC_CONV_X]), *w = values(c->in[SC_CONV_WEIGHT]), *gy = values(c->grad_out[0]);
   void *gx = values(c->grad_in[SC_CONV_X]), *gw = values(c->grad_in[SC_CONV_WEIGHT]);
   void *gb = values(c->grad_in[SC_CONV_BIAS]);
   if (gx) SC_TRY(convolve(c, SC_PLAN_INPUT_GRAD, &g, (ScConvSides){gx, w, gy}));
   if (gw) SC_TRY(convolve(c, SC_PLAN_WEIGHT_GRAD, &g, (ScConvSides){x, gw, gy}));
   if (!gb) return SC_OK;
   return sc_cuda_column_sums(c->device, c->op->name, c->in[SC_CONV_X]->dtype, g.n * g.oh * g.ow, g.o, gy, gb);
}

enum { DTYPES = 1u << SC_F32 | 1u << SC_F16 | 1u << SC_BF16 };
SC_KERNEL(cuda, conv2d, .dtypes = DTYPES, .forward = forward, .backward = backward)

// ---- with batch norm folded into the filters ----

// The folded filters are made anew each time: they are read once more than they would be, which is little
// beside the images. Both buffers go back to the pool before the device has used them, which its order permits.
static ScStatus run_folded(ScCall *c, void *weights, float *shift) {
   ScConv g = sc_conv_geometry(c);
   SC_TRY(sc_cuda_fold(c, weights, shift));
   SC_TRY(
       convolve(c, SC_PLAN_FORWARD, &g, (ScConvSides){values(c->in[SC_CONV_X]), weights, values(c->out[0])}));
   return finish(c, &g, shift, values(c->in[SC_FOLDED_RESIDUAL]), (ScAct)c->attr[SC_FOLDED_ACT].i);
}

static ScStatus forward_folded(ScCall *c) {
   ScBuffer *weights, *shift;
   const ScTensor *filters = c->in[SC_CONV_WEIGHT];
   SC_TRY(
       sc_buffer_new(&weights, c->device, (size_t)sc_numel(filters) * sc_dtype_size(c->in[SC_CONV_X]->dtype)));
   ScStatus status = sc_buffer_new(&shift, c->device, (size_t)filters->shape[0] * sizeof(float));
   if (status == SC_OK) {
      status = run_folded(c, weights->data, shift->data);
      sc_buffer_release(shift);
   }
   sc_buffer_release(weights);
   return status;
}

SC_KERNEL(cuda, conv2d_folded, .dtypes = DTYPES, .forward = forward_folded)
