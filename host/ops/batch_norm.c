// Batch normalisation with what usually follows it: a residual and an activation.
//
// Backward needs the value before the activation. Where the derivative can be told from y instead (relu, relu6)
// it is if there is a residual (y is there for the next op anyway); else that value is computed again, from x
// and the residual. On the host y itself is mostly not kept but computed again (host/core/redo.h).
#include "host/ops/batch_norm.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/recording.h"
#include "host/core/redo.h"
#include "host/core/world.h"
#include "host/ops/running_update.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W) or (N, C)"},
    {.name = "weight", .kind = SC_TENSOR, .optional = true, .doc = "scale per channel (C), 1 if absent"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "shift per channel (C), 0 if absent"},
    {.name = "running_mean", .kind = SC_TENSOR, .optional = true, .doc = "(C); updated in place when training"},
    {.name = "running_var", .kind = SC_TENSOR, .optional = true, .doc = "(C); updated in place when training"},
    {.name = "residual",
     .kind = SC_TENSOR,
     .optional = true,
     .doc = "added before the activation, of x's shape"},
    {.name = "training",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "statistics of this batch instead of the running ones"},
    {.name = "momentum",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 0.1,
     .doc = "weight of this batch in the running statistics"},
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-5, .doc = "added to the variance"},
    {.name = "act",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = SC_ACT_CHOICES,
     .doc = "activation at the end"},
    {.name = "synchronised",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = "no|all|others",
     .doc = "the batch is that of all processes of scute.world, which call this together; others: x is none of "
            "it"},
};

bool sc_bn_joins(const ScCall *c) {
   return c->attr[SC_BN_TRAINING].i && c->attr[SC_BN_SYNCHRONISED].i != SC_BN_NO && sc_world()->size > 1;
}

bool sc_bn_only_joins(const ScCall *c) {
   return sc_bn_joins(c) && c->attr[SC_BN_SYNCHRONISED].i == SC_BN_OTHERS;
}

static ScStatus check_per_channel(const ScCall *c, int input) {
   const ScTensor *x = c->in[SC_BN_X], *t = c->in[input];
   if (!t || (t->rank == 1 && t->shape[0] == x->shape[1])) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected shape (%lld), one per channel of x, found %s",
                  c->op->name, sc_input_name(c, input), (long long)x->shape[1], sc_shape_text(t));
}

static ScStatus check_statistics(const ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X];
   if (!c->in[SC_BN_MEAN] != !c->in[SC_BN_VAR])
      return sc_fail(SC_EARG, "%s: expected both of 'running_mean' and 'running_var' or neither", c->op->name);
   bool training = c->attr[SC_BN_TRAINING].i;
   if (!training && !c->in[SC_BN_MEAN])
      return sc_fail(
          SC_EARG,
          "%s: argument 'running_mean' is missing: without training = true the running statistics are used",
          c->op->name);
   if (sc_bn_joins(c)) return SC_OK; // counted there
   if (training && sc_numel(x) / x->shape[1] < 2)
      return sc_fail(SC_EARG,
                     "%s: expected more than one value per channel when training, found shape %s; use a larger "
                     "batch or evaluation mode",
                     c->op->name, sc_shape_text(x));
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X], *residual = c->in[SC_BN_RESIDUAL];
   SC_TRY(sc_want_float(c, SC_BN_X));
   if (x->rank != 4 && x->rank != 2)
      return sc_fail(SC_EARG, "%s: argument 'x': expected 2 or 4 dimensions, found shape %s", c->op->name,
                     sc_shape_text(x));
   for (int i = SC_BN_WEIGHT; i <= SC_BN_VAR; i++) SC_TRY(check_per_channel(c, i));
   for (int i = SC_BN_WEIGHT; i < SC_BN_INPUTS; i++) SC_TRY(sc_want_dtype_of_first(c, i));
   if (residual && !sc_same_shape(x, residual))
      return sc_fail(SC_EARG, "%s: argument 'residual': expected x's shape %s, found %s", c->op->name,
                     sc_shape_text(x), sc_shape_text(residual));
   SC_TRY(check_statistics(c));
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, x->shape));
   if (!c->attr[SC_BN_TRAINING].i) return SC_OK;
   SC_TRY(sc_describe_saved(c, SC_BN_BATCH_MEAN, sc_wide_dtype(x->dtype), 1, &x->shape[1]));
   return sc_describe_saved(c, SC_BN_BATCH_VAR, sc_wide_dtype(x->dtype), 1, &x->shape[1]);
}

static ScStatus update_running(ScCall *c) {
   if (!c->attr[SC_BN_TRAINING].i || !c->in[SC_BN_MEAN]) return SC_OK;
   double values = (double)(sc_numel(c->in[SC_BN_X]) / c->in[SC_BN_X]->shape[1]);
   if (sc_bn_joins(c) && !c->device->backend->shapes_only) values = c->attr[SC_BN_VALUES].f;
   ScTensor *in[] = {c->in[SC_BN_MEAN], c->in[SC_BN_VAR], c->saved[SC_BN_BATCH_MEAN],
                     c->saved[SC_BN_BATCH_VAR]};
   ScAttr attr[] = {c->attr[SC_BN_MOMENTUM], {.f = values / (values - 1)}};
   return sc_apply(NULL, "running_update", SC_RUNNING_INPUTS, in, attr, 2);
}

static unsigned bit(int input) {
   return 1u << input;
}

static void choose_what_to_keep(ScCall *c) {
   bool training = c->attr[SC_BN_TRAINING].i, residual = c->in[SC_BN_RESIDUAL] != NULL;
   ScAct act = (ScAct)c->attr[SC_BN_ACT].i;
   bool from_y = residual && sc_act_by_result(act);
   bool again = act != SC_ACT_NONE && !from_y; // computes the value before the activation again
   bool needs_x = training || again || c->needs_grad[SC_BN_WEIGHT];
   c->redoes = needs_x && sc_would_redo(c);
   if (!from_y) c->keep_out = 0;
   if (training) c->keep_in &= ~(bit(SC_BN_MEAN) | bit(SC_BN_VAR));
   if (c->redoes) return;
   if (!(residual && again)) c->keep_in &= ~bit(SC_BN_RESIDUAL);
   if (!again) c->keep_in &= ~bit(SC_BN_BIAS);
   if (!needs_x) c->keep_in &= ~bit(SC_BN_X);
}

static ScStatus forward(ScCall *c) {
   if (sc_bn_joins(c) && sc_records(c->device))
      return sc_fail(SC_EUNSUPPORTED,
                     "batch_norm: what is recorded cannot join other processes; synchronised = "
                     "\"no\" takes statistics of this one");
   choose_what_to_keep(c);
   bool recording = c->recording;
   c->recording = true; // the running update wants the batch statistics even if backward does not
   ScStatus status = sc_run_kernel(c);
   c->recording = recording;
   return status;
}

// With the statistics of this batch as the running ones.
static ScStatus redo(const ScCall *c, ScTensor **out) {
   bool training = c->attr[SC_BN_TRAINING].i;
   ScTensor *in[SC_BN_INPUTS];
   for (int i = 0; i < SC_BN_INPUTS; i++) in[i] = c->in[i];
   if (training) in[SC_BN_MEAN] = c->saved[SC_BN_BATCH_MEAN], in[SC_BN_VAR] = c->saved[SC_BN_BATCH_VAR];
   ScAttr attr[SC_BN_ATTRS];
   for (int i = 0; i < SC_BN_ATTRS; i++) attr[i] = c->attr[i];
   attr[SC_BN_TRAINING].i = false;
   return sc_apply(out, "batch_norm", SC_BN_INPUTS, in, attr, SC_BN_ATTRS);
}

// The gradient that came in is used up here, so a result may take its place if nobody else holds it. Kernels
// read an element of it before they write that element of the result.
static ScStatus reuse(ScCall *c, int input) {
   const ScTensor *g = c->grad_out[0];
   bool same = input == SC_BN_RESIDUAL && c->attr[SC_BN_ACT].i == SC_ACT_NONE; // handed on as it is
   if (!same && (g->refs > 1 || g->buffer->refs > 1)) return SC_OK;
   return sc_tensor_alias(&c->grad_in[input], g, g->rank, g->shape);
}

static ScStatus backward(ScCall *c) {
   if (c->needs_grad[SC_BN_MEAN] || c->needs_grad[SC_BN_VAR])
      return sc_fail(SC_EARG,
                     "batch_norm: running statistics take no gradient; create them without requires_grad");
   if (c->needs_grad[SC_BN_RESIDUAL])
      SC_TRY(reuse(c, SC_BN_RESIDUAL));
   else if (c->needs_grad[SC_BN_X])
      SC_TRY(reuse(c, SC_BN_X));
   return sc_run_backward_kernel(c);
}

SC_OP(batch_norm,
      .doc = "act((x - mean) / sqrt(var + eps) * weight + bias + residual) per channel. Training uses the "
             "batch's mean and "
             "biased variance and moves the running ones towards its mean and unbiased variance (Ioffe and "
             "Szegedy 2015). Synchronised, as in PyTorch's SyncBatchNorm, the batch is that of several "
             "processes; gradients of weight and bias are those of x, to be added up with the others'.",
      SC_PARAMS(params), .differentiable = true,
      .keep_in = 1u << SC_BN_X | 1u << SC_BN_WEIGHT | 1u << SC_BN_BIAS | 1u << SC_BN_MEAN | 1u << SC_BN_VAR |
                 1u << SC_BN_RESIDUAL,
      .keep_out = 1, .updates = 1u << SC_BN_MEAN | 1u << SC_BN_VAR,
      .wide = 1u << SC_BN_WEIGHT | 1u << SC_BN_BIAS | 1u << SC_BN_MEAN | 1u << SC_BN_VAR, .infer = infer,
      .forward = forward, .commit = update_running, .backward = backward, .redo = redo)
