#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/activation.h"
#include "kernels/cpu/conv_plan.h"
#include "kernels/cpu/expand.h"
#include "kernels/cpu/winograd.h"

static const float *values(const ScTensor *t) {
   return t ? t->buffer->data : NULL;
}

// weight * scale and (bias - mean) * scale + shift per output channel, with scale = bn_weight / sqrt(var +
// eps).
static void fold(const ScCall *c, const ScConv *g, float *weights, float *bias) {
   const float *w = values(c->in[SC_CONV_WEIGHT]), *b = values(c->in[SC_CONV_BIAS]);
   const float *gamma = values(c->in[SC_FOLDED_BN_WEIGHT]), *beta = values(c->in[SC_FOLDED_BN_BIAS]);
   const float *mean = values(c->in[SC_FOLDED_MEAN]), *var = values(c->in[SC_FOLDED_VAR]);
   int64_t filter = g->kh * g->kw * g->cg;
   for (int64_t o = 0; o < g->o; o++) {
      double scale = (gamma ? gamma[o] : 1) / sqrt(var[o] + c->attr[SC_FOLDED_EPS].f);
      for (int64_t i = 0; i < filter; i++) weights[o * filter + i] = (float)(w[o * filter + i] * scale);
      bias[o] = (float)(((b ? b[o] : 0) - (double)mean[o]) * scale + (beta ? beta[o] : 0));
   }
}

// What a convolution is computed by, which says how its filters lie: a primitive of oneDNN's, or own code.
typedef enum { PRIMITIVE, TILES, EXPAND } Way;

typedef struct {
   const ScPlan *plan;
   Way way;
   const ScPrimitive *conv; // of PRIMITIVE
} Form;

static Way way_of(const ScPlan *plan) {
   if (sc_winograd_fits(&plan->g, plan->act, plan->dtype == SC_BF16)) return TILES;
   return !plan->residual && sc_expand_fits(&plan->g, plan->act, plan->dtype == SC_BF16) ? EXPAND : PRIMITIVE;
}

static ScStatus arrange(ScBuffer **out, ScDevice *device, Form form, float *plain) {
   const ScConv *g = &form.plan->g;
   bool half = form.plan->dtype == SC_BF16;
   if (form.way == PRIMITIVE) return sc_plan_pack(out, device, form.plan, form.conv, SC_F32, plain);
   SC_TRY(sc_buffer_new(out, device,
                        form.way == TILES ? sc_winograd_filter_bytes(g) : sc_expand_filter_bytes(g, half)));
   if (form.way == TILES)
      sc_winograd_filters(g, false, false, plain, (*out)->data);
   else
      sc_expand_filters(g, plain, half, (*out)->data);
   return SC_OK;
}

static ScStatus fold_and_pack(ScBuffer *parts[SC_PACK_PARTS], ScCall *c, Form form) {
   const ScConv *g = &form.plan->g;
   ScBuffer *plain;
   SC_TRY(sc_buffer_new(&plain, c->device, sc_nbytes(c->in[SC_CONV_WEIGHT])));
   ScStatus status = sc_buffer_new(&parts[1], c->device, (size_t)g->o * sizeof(float));
   if (status == SC_OK) {
      fold(c, g, plain->data, parts[1]->data);
      status = arrange(&parts[0], c->device, form, plain->data);
      if (status != SC_OK) sc_buffer_release(parts[1]);
   }
   sc_buffer_release(plain);
   return status;
}

// eps belongs to what was folded; its bits tell apart, and no small number such as a plan's kind equals them.
static int64_t purpose_of(const ScCall *c, Form form) {
   int64_t bits;
   memcpy(&bits, &c->attr[SC_FOLDED_EPS].f, sizeof bits);
   bool half = form.way == EXPAND && form.plan->dtype == SC_BF16;
   return bits ^ (int64_t)1 << 62 ^ (int64_t)half << 61;
}

static ScStatus folded(ScPacked **out, ScCall *c, Form form) {
   const_dnnl_memory_desc_t layout =
       form.way == PRIMITIVE ? sc_primitive_layout(form.conv, SC_PLAN_WEIGHTS) : NULL;
   ScTensor *const *sources = &c->in[SC_CONV_WEIGHT];
   *out = sc_packed_find(SC_PACK_SOURCES, sources, purpose_of(c, form), layout);
   if (*out) return SC_OK;
   ScBuffer *parts[SC_PACK_PARTS];
   SC_TRY(fold_and_pack(parts, c, form));
   return sc_packed_add(SC_PACK_SOURCES, sources, purpose_of(c, form), layout, parts, out);
}

_Static_assert(SC_FOLDED_VAR - SC_CONV_WEIGHT + 1 == SC_PACK_SOURCES, "all that is folded, in a row");

static ScStatus run(ScCall *c, const ScPlan *plan) {
   const ScTensor *residual = c->in[SC_FOLDED_RESIDUAL];
   ScPrimitive *conv;
   ScPacked *packed;
   SC_TRY(sc_plan_primitive(&conv, plan));
   SC_TRY(folded(&packed, c, (Form){plan, PRIMITIVE, conv}));
   return sc_primitive_run(conv, c->device,
                           (void *[]){c->in[SC_CONV_X]->buffer->data, packed->part[0]->data,
                                      c->out[0]->buffer->data, packed->part[1]->data,
                                      residual ? residual->buffer->data : NULL});
}

// ---- not a number ----

// Inside oneDNN, relu, relu6 and hardsigmoid of a NaN are numbers: the processor's maximum and minimum give
// their other operand then. gelu of infinity is a NaN there. They raise the flag of invalid operations when
// they do, in the thread that met the NaN. Says whether any thread has raised it since the last call.
static bool invalid_was_raised(void) {
   bool raised = false;
#pragma omp parallel reduction(|| : raised)
   if (fetestexcept(FE_INVALID)) {
      feclearexcept(FE_INVALID);
      raised = true;
   }
   return raised;
}

static bool is_right_at_ends(ScAct act) {
#define ENDS(name, value, gradient, kind, alpha, beta, right)                                                  \
   case SC_ACT_##name: return right;
   switch (act) {
      SC_CPU_ACTIVATIONS(ENDS)
   default: return true;
   }
}

// The same without the activation in the primitive, and then the activation, by which a NaN stays one.
static ScStatus run_with_nan(ScCall *c, ScPlan plan) {
   ScAct act = plan.act;
   void *y = c->out[0]->buffer->data;
   plan.act = SC_ACT_NONE;
   SC_TRY(run(c, &plan));
   sc_activate_all(act, sc_numel(c->out[0]), y, y, sc_is_half(c->out[0]));
   invalid_was_raised(); // by the comparisons just now
   return SC_OK;
}

static ScStatus run_tiles(ScCall *c, const ScPlan *plan, bool *finite) {
   const ScTensor *residual = c->in[SC_FOLDED_RESIDUAL];
   ScPacked *packed;
   SC_TRY(folded(&packed, c, (Form){plan, TILES, NULL}));
   ScWinograd work = {.g = plan->g,
                      .act = plan->act,
                      .half = plan->dtype == SC_BF16,
                      .x = c->in[SC_CONV_X]->buffer->data,
                      .filters = packed->part[0]->data,
                      .bias = packed->part[1]->data,
                      .residual = residual ? residual->buffer->data : NULL,
                      .y = c->out[0]->buffer->data};
   return sc_winograd(c->device, &work, finite);
}

static ScStatus run_expand(ScCall *c, const ScPlan *plan) {
   ScPacked *packed;
   SC_TRY(folded(&packed, c, (Form){plan, EXPAND, NULL}));
   ScExpand work = {.g = plan->g,
                    .half = plan->dtype == SC_BF16,
                    .x = c->in[SC_CONV_X]->buffer->data,
                    .filters = packed->part[0]->data,
                    .bias = packed->part[1]->data,
                    .y = c->out[0]->buffer->data};
   sc_expand(&work);
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   ScPlan plan = {.kind = SC_PLAN_FORWARD,
                  .g = sc_conv_geometry(c),
                  .bias = true,
                  .residual = c->in[SC_FOLDED_RESIDUAL] != NULL,
                  .act = (ScAct)c->attr[SC_FOLDED_ACT].i,
                  .dtype = c->in[SC_CONV_X]->dtype};
   bool done = false;
   Way way = way_of(&plan);
   if (way == EXPAND) return run_expand(c, &plan);
   if (way == TILES) SC_TRY(run_tiles(c, &plan, &done));
   if (done) return SC_OK;
   // What raised the flag before must not choose how a result is rounded; a clipped one is the same either way.
   bool right = is_right_at_ends(plan.act), same_bits = plan.act == SC_ACT_RELU || plan.act == SC_ACT_RELU6;
   if (!right && !same_bits) invalid_was_raised();
   SC_TRY(run(c, &plan));
   return !right && invalid_was_raised() ? run_with_nan(c, plan) : SC_OK;
}

SC_KERNEL(cpu, conv2d_folded, SC_F32_AND_BF16, .forward = forward)
