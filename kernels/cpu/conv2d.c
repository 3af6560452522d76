#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/conv_plan.h"
#include "kernels/cpu/conv_tiles.h"
#include "kernels/cpu/depthwise.h"
#include "kernels/cpu/filter_gradient.h"
#include "kernels/cpu/half.h"

// Filters in the primitive's layout: kept by content where they are frozen, made anew where they learn. The
// caller releases *out.
static ScStatus packed_weights(ScBuffer **out, ScCall *c, const ScPlan *plan, const ScPrimitive *conv) {
   ScTensor *weight = c->in[SC_CONV_WEIGHT];
   if (c->needs_grad[SC_CONV_WEIGHT])
      return sc_plan_pack(out, c->device, plan, conv, weight->dtype, weight->buffer->data);
   const_dnnl_memory_desc_t layout = sc_primitive_layout(conv, SC_PLAN_WEIGHTS);
   ScPacked *packed = sc_packed_find(1, &weight, plan->kind, layout);
   if (!packed) {
      ScBuffer *parts[SC_PACK_PARTS] = {NULL};
      SC_TRY(sc_plan_pack(&parts[0], c->device, plan, conv, weight->dtype, weight->buffer->data));
      SC_TRY(sc_packed_add(1, &weight, plan->kind, layout, parts, &packed));
   }
   *out = sc_buffer_retain(packed->part[0]);
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   bool done;
   SC_TRY(sc_conv_tiles_forward(c, &done));
   if (done) return SC_OK;
   const ScTensor *bias = c->in[SC_CONV_BIAS];
   ScPlan plan = {.kind = SC_PLAN_FORWARD,
                  .g = sc_conv_geometry(c),
                  .bias = bias != NULL,
                  .dtype = c->in[SC_CONV_X]->dtype};
   ScPrimitive *conv;
   ScBuffer *weights;
   SC_TRY(sc_plan_primitive(&conv, &plan));
   SC_TRY(packed_weights(&weights, c, &plan, conv));
   ScStatus status = sc_primitive_run(conv, c->device,
                                      (void *[]){c->in[SC_CONV_X]->buffer->data, weights->data,
                                                 c->out[0]->buffer->data, bias ? bias->buffer->data : NULL});
   sc_buffer_release(weights);
   return status;
}

static ScStatus input_gradient(ScCall *c) {
   bool done;
   SC_TRY(sc_conv_tiles_input_gradient(c, &done));
   if (done) return SC_OK;
   ScPlan plan = {.kind = SC_PLAN_INPUT_GRAD, .g = sc_conv_geometry(c), .dtype = c->in[SC_CONV_X]->dtype};
   ScPrimitive *conv;
   ScBuffer *weights;
   SC_TRY(sc_plan_primitive(&conv, &plan));
   SC_TRY(packed_weights(&weights, c, &plan, conv));
   ScStatus status = sc_primitive_run(
       conv, c->device,
       (void *[]){c->grad_out[0]->buffer->data, weights->data, c->grad_in[SC_CONV_X]->buffer->data});
   sc_buffer_release(weights);
   return status;
}

// Whether some output place has an input below each of the `taps`.
static bool all_meet(int64_t taps, int64_t dilation, int64_t stride, int64_t padding, int64_t in, int64_t out) {
   for (int64_t tap = 0; tap < taps; tap++) {
      int64_t outside = padding - tap * dilation, first = outside > 0 ? (outside + stride - 1) / stride : 0;
      if (first >= out || first * stride >= in + outside) return false;
   }
   return true;
}

// oneDNN 3.2 sums gradients in bf16 in memory that it does not clear where a tap of the filter never meets the
// picture: what was there before would be in the result. In float32 it is right.
static bool is_summed_from_zero(const ScPlan *plan) {
   const ScConv *g = &plan->g;
   return plan->dtype != SC_BF16 || (all_meet(g->kh, g->dh, g->sh, g->ph, g->h, g->oh) &&
                                     all_meet(g->kw, g->dw, g->sw, g->pw, g->w, g->ow));
}

static ScStatus weight_gradient(ScCall *c) {
   ScTensor *bias = c->grad_in[SC_CONV_BIAS];
   ScPlan plan = {.kind = SC_PLAN_WEIGHT_GRAD,
                  .g = sc_conv_geometry(c),
                  .bias = bias != NULL,
                  .dtype = c->in[SC_CONV_X]->dtype};
   if (!is_summed_from_zero(&plan))
      return sc_fail(SC_EUNSUPPORTED, "conv2d: its filters reach past the picture");
   ScPrimitive *conv;
   ScBuffer *packed;
   SC_TRY(sc_plan_primitive(&conv, &plan));
   SC_TRY(sc_buffer_new(&packed, c->device, sc_plan_packed_bytes(conv)));
   ScStatus status =
       sc_primitive_run(conv, c->device,
                        (void *[]){c->in[SC_CONV_X]->buffer->data, packed->data, c->grad_out[0]->buffer->data,
                                   bias ? bias->buffer->data : NULL});
   if (status == SC_OK)
      status = sc_plan_unpack(c->device, &plan, conv, packed->data, c->grad_in[SC_CONV_WEIGHT]->buffer->data);
   sc_buffer_release(packed);
   return status;
}

static void bias_gradient(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   int64_t channels = g->shape[1];
   sc_column_sums(c->grad_in[SC_CONV_BIAS]->buffer->data, g->buffer->data, sc_numel(g) / channels, channels,
                  sc_is_half(g));
}

// By code of one's own, where that is the faster way; not the bias's.
static ScStatus own_weight_gradient(ScCall *c, bool *done) {
   ScConv g = sc_conv_geometry(c);
   void *x = c->in[SC_CONV_X]->buffer->data, *dy = c->grad_out[0]->buffer->data;
   void *gradient = c->grad_in[SC_CONV_WEIGHT]->buffer->data;
   bool half = sc_is_half(c->in[SC_CONV_X]);
   SC_TRY(sc_conv_tiles_weight_gradient(c, done));
   if (*done) return SC_OK;
   *done = true;
   if (sc_depthwise_fits(&g)) return sc_depthwise_weight_gradient(c->device, &g, half, x, dy, gradient);
   if (sc_filter_gradient_fits(&g, half))
      return sc_filter_gradient(c->device, &(ScFilterGradient){g, x, dy, gradient}, half);
   *done = false;
   return SC_OK;
}

static ScStatus filter_gradients(ScCall *c) {
   bool done;
   SC_TRY(own_weight_gradient(c, &done));
   if (!done) return weight_gradient(c);
   if (c->grad_in[SC_CONV_BIAS]) bias_gradient(c);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   if (c->grad_in[SC_CONV_X]) SC_TRY(input_gradient(c));
   if (c->grad_in[SC_CONV_WEIGHT]) return filter_gradients(c);
   if (c->grad_in[SC_CONV_BIAS]) bias_gradient(c);
   return SC_OK;
}

SC_KERNEL(cpu, conv2d, SC_F32_AND_BF16, .forward = forward, .backward = backward)
