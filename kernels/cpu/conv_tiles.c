#include "kernels/cpu/conv_tiles.h"

#include "host/ops/conv2d.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/packed.h"
#include "kernels/cpu/winograd.h"

enum { FORWARD = 64, TURNED = 65 }; // what filters are packed for: no kind of plan

static ScStatus transform(ScBuffer **out, ScCall *c, const ScConv *g, bool turned) {
   const ScTensor *weight = c->in[SC_CONV_WEIGHT];
   SC_TRY(sc_buffer_new(out, c->device, sc_winograd_filter_bytes(g)));
   sc_winograd_filters(g, turned, sc_is_half(weight), weight->buffer->data, (*out)->data);
   return SC_OK;
}

// Kept by content where they are frozen, made anew where they learn. The caller releases *out.
static ScStatus filters(ScBuffer **out, ScCall *c, const ScConv *g, bool turned) {
   ScTensor *weight = c->in[SC_CONV_WEIGHT];
   int64_t purpose = turned ? TURNED : FORWARD;
   if (c->needs_grad[SC_CONV_WEIGHT]) return transform(out, c, g, turned);
   ScPacked *packed = sc_packed_find(1, &weight, purpose, NULL);
   if (!packed) {
      ScBuffer *parts[SC_PACK_PARTS] = {NULL};
      SC_TRY(transform(&parts[0], c, g, turned));
      SC_TRY(sc_packed_add(1, &weight, purpose, NULL, parts, &packed));
   }
   *out = sc_buffer_retain(packed->part[0]);
   return SC_OK;
}

static ScStatus run(ScCall *c, ScWinograd work, bool turned, bool *done) {
   ScBuffer *transformed;
   if (!sc_winograd_fits(&work.g, SC_ACT_NONE, work.half)) return SC_OK;
   SC_TRY(filters(&transformed, c, &work.g, turned));
   work.filters = transformed->data;
   ScStatus status = sc_winograd(c->device, &work, done);
   sc_buffer_release(transformed);
   return status;
}

ScStatus sc_conv_tiles_forward(ScCall *c, bool *done) {
   const ScTensor *bias = c->in[SC_CONV_BIAS];
   ScWinograd work = {.g = sc_conv_geometry(c),
                      .half = sc_is_half(c->in[SC_CONV_X]),
                      .x = c->in[SC_CONV_X]->buffer->data,
                      .bias = bias ? bias->buffer->data : NULL,
                      .y = c->out[0]->buffer->data};
   *done = false;
   return run(c, work, false, done);
}

ScStatus sc_conv_tiles_input_gradient(ScCall *c, bool *done) {
   ScConv g = sc_conv_geometry(c);
   ScWinograd work = {.g = sc_winograd_turned(&g),
                      .half = sc_is_half(c->grad_out[0]),
                      .x = c->grad_out[0]->buffer->data,
                      .y = c->grad_in[SC_CONV_X]->buffer->data};
   *done = false;
   return run(c, work, true, done);
}

SC_CLONES static void narrow_run(uint16_t *restrict to, const float *restrict from, int64_t n) {
   for (int64_t i = 0; i < n; i++) to[i] = sc_narrow(from[i]);
}

static void narrow(uint16_t *to, const float *from, int64_t filters, int64_t n) {
#pragma omp parallel for
   for (int64_t o = 0; o < filters; o++) narrow_run(to + o * n, from + o * n, n);
}

static ScStatus half_gradient(ScCall *c, ScWinogradGradient work, bool *done) {
   ScTensor *gradient = c->grad_in[SC_CONV_WEIGHT];
   ScBuffer *wide;
   SC_TRY(sc_buffer_new(&wide, c->device, (size_t)sc_numel(gradient) * sizeof(float)));
   work.gradient = wide->data;
   ScStatus status = sc_winograd_gradient(c->device, &work, done);
   if (status == SC_OK && *done) narrow(gradient->buffer->data, wide->data, work.g.o, 9 * work.g.c);
   sc_buffer_release(wide);
   return status;
}

ScStatus sc_conv_tiles_weight_gradient(ScCall *c, bool *done) {
   ScWinogradGradient work = {.g = sc_conv_geometry(c),
                              .half = sc_is_half(c->in[SC_CONV_X]),
                              .x = c->in[SC_CONV_X]->buffer->data,
                              .dy = c->grad_out[0]->buffer->data,
                              .gradient = c->grad_in[SC_CONV_WEIGHT]->buffer->data};
   *done = false;
   if (!sc_winograd_gradient_fits(&work.g, work.half)) return SC_OK;
   return work.half ? half_gradient(c, work, done) : sc_winograd_gradient(c->device, &work, done);
}
