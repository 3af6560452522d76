// Convolution, batch norm, residual and activation in one: what a block of a network calls with its conv and
// its norm.
#include "host/core/call.h"
#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"

enum { X, WEIGHT, BIAS, BN_WEIGHT, BN_BIAS, MEAN, VAR, RESIDUAL, INPUTS };
enum { TRAINING = SC_CONV_ATTRS, MOMENTUM, EPS, ACT };

#define TENSORS                                                                                                \
   {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W)"},                                              \
       {.name = "weight", .kind = SC_TENSOR, .doc = "filters (O, C / groups, kernel height, kernel width)"},   \
       {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "of the convolution (O)"},                 \
       {.name = "bn_weight",                                                                                   \
        .kind = SC_TENSOR,                                                                                     \
        .optional = true,                                                                                      \
        .doc = "scale per channel (O), 1 if absent"},                                                          \
   {                                                                                                           \
      .name = "bn_bias", .kind = SC_TENSOR, .optional = true, .doc = "shift per channel (O), 0 if absent"      \
   }
#define GEOMETRY                                                                                               \
   {.name = "residual", .kind = SC_TENSOR, .optional = true, .doc = "added before the activation"},            \
       {.name = "stride",                                                                                      \
        .kind = SC_PAIR,                                                                                       \
        .optional = true,                                                                                      \
        .preset = 1,                                                                                           \
        .doc = "step of the window, pixels"},                                                                  \
       {.name = "padding",                                                                                     \
        .kind = SC_PAIR,                                                                                       \
        .optional = true,                                                                                      \
        .choices = SC_PADDING_WORD,                                                                            \
        .doc = SC_PADDING_DOC},                                                                                \
       {.name = "dilation", .kind = SC_PAIR, .optional = true, .preset = 1, .doc = "distance of the taps"}, {  \
      .name = "groups", .kind = SC_INT, .optional = true, .preset = 1, .doc = "channel groups"                 \
   }

static const ScParam params[] = {
    TENSORS,
    {.name = "running_mean", .kind = SC_TENSOR, .optional = true, .doc = "(O); updated in place when training"},
    {.name = "running_var", .kind = SC_TENSOR, .optional = true, .doc = "(O); updated in place when training"},
    GEOMETRY,
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
};

static ScStatus run_folded(ScCall *c) {
   ScAttr attr[SC_FOLDED_ACT + 1];
   for (int i = 0; i < SC_CONV_ATTRS; i++) attr[i] = c->attr[i];
   attr[SC_FOLDED_EPS] = c->attr[EPS];
   attr[SC_FOLDED_ACT] = c->attr[ACT];
   return sc_apply(&c->out[0], "conv2d_folded", INPUTS, c->in, attr, SC_FOLDED_ACT + 1);
}

static ScStatus run_separately(ScCall *c) {
   ScTensor *y;
   SC_TRY(sc_apply(&y, "conv2d", SC_CONV_BIAS + 1, c->in, c->attr, SC_CONV_ATTRS));
   ScTensor *in[SC_BN_INPUTS] = {y, c->in[BN_WEIGHT], c->in[BN_BIAS], c->in[MEAN], c->in[VAR], c->in[RESIDUAL]};
   ScStatus status = sc_apply(&c->out[0], "batch_norm", SC_BN_INPUTS, in, &c->attr[TRAINING], SC_BN_ACT + 1);
   sc_tensor_release(y);
   return status;
}

static ScStatus forward(ScCall *c) {
   bool folds = !c->attr[TRAINING].i && !c->recording && c->in[MEAN] && c->in[VAR];
   SC_TRY(folds ? run_folded(c) : run_separately(c));
   c->nout = 1;
   return SC_OK;
}

SC_OP(conv_bn_act,
      .doc = "act(batch_norm(conv2d(x, weight, bias)) + residual). In evaluation mode, when nothing needs a "
             "gradient, batch "
             "norm is folded into the filters and all of it is one kernel.",
      SC_PARAMS(params), .differentiable = true, .forward = forward)

// ---- the folded kernel ----

static const ScParam folded_params[] = {
    TENSORS,
    {.name = "running_mean", .kind = SC_TENSOR, .doc = "(O)"},
    {.name = "running_var", .kind = SC_TENSOR, .doc = "(O)"},
    GEOMETRY,
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-5, .doc = "added to the variance"},
    {.name = "act",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = SC_ACT_CHOICES,
     .doc = "activation at the end"},
};

static ScStatus infer_folded(ScCall *c) {
   SC_TRY(sc_conv_infer(c));
   int64_t channels = c->out[0]->shape[1];
   for (int i = SC_FOLDED_BN_WEIGHT; i <= SC_FOLDED_VAR; i++) {
      const ScTensor *t = c->in[i];
      if (t && (t->rank != 1 || t->shape[0] != channels))
         return sc_fail(SC_EARG, "%s: argument '%s': expected shape (%lld), one per output channel, found %s",
                        c->op->name, sc_input_name(c, i), (long long)channels, sc_shape_text(t));
   }
   const ScTensor *residual = c->in[SC_FOLDED_RESIDUAL];
   if (residual && !sc_same_shape(residual, c->out[0]))
      return sc_fail(SC_EARG, "%s: argument 'residual': expected the output's shape %s, found %s", c->op->name,
                     sc_shape_text(c->out[0]), sc_shape_text(residual));
   return SC_OK;
}

SC_OP(conv2d_folded,
      .doc = "act(batch_norm(conv2d(x, weight, bias)) + residual) with running statistics, as one kernel "
             "without a gradient; "
             "conv_bn_act calls it.",
      SC_PARAMS(folded_params), .no_method = true,
      .wide = 1u << SC_CONV_WEIGHT | 1u << SC_CONV_BIAS | 1u << SC_FOLDED_BN_WEIGHT | 1u << SC_FOLDED_BN_BIAS |
              1u << SC_FOLDED_MEAN | 1u << SC_FOLDED_VAR, // filters too: folded in f32, then rounded once
      .autocast = SC_CAST_HALF, .multiply_adds = sc_conv_multiply_adds, .infer = infer_folded)
