// Squeeze and excitation as one op: its maps are read three times and written once on the way forward, and on
// the way back no gradient of the size of the maps is added to another.
#include "host/ops/squeeze_excitation.h"

#include "host/core/dispatch.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "maps (N, C, H, W)"},
    {.name = "weight1", .kind = SC_TENSOR, .doc = "of the squeezing 1x1 convolution (S, C, 1, 1)"},
    {.name = "bias1", .kind = SC_TENSOR, .doc = "(S)"},
    {.name = "weight2", .kind = SC_TENSOR, .doc = "of the exciting 1x1 convolution (C, S, 1, 1)"},
    {.name = "bias2", .kind = SC_TENSOR, .doc = "(C)"},
    {.name = "act",
     .kind = SC_CHOICE,
     .optional = true,
     .preset = SC_ACT_SILU,
     .choices = SC_ACT_CHOICES,
     .doc = "activation between the two convolutions"},
    {.name = "scale_act",
     .kind = SC_CHOICE,
     .optional = true,
     .preset = SC_ACT_SIGMOID,
     .choices = SC_ACT_CHOICES,
     .doc = "activation after them"},
};

static ScStatus want_shape(const ScCall *c, int input, int rank, const int64_t *shape) {
   const ScTensor *t = c->in[input];
   bool same = t->rank == rank;
   for (int d = 0; same && d < rank; d++) same = t->shape[d] == shape[d];
   if (!same)
      return sc_fail(SC_EARG, "%s: argument '%s': expected shape %s, found %s", c->op->name,
                     sc_input_name(c, input), sc_dims_text(rank, shape), sc_shape_text(t));
   return sc_want_dtype_of_first(c, input);
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_SE_X];
   SC_TRY(sc_want_float(c, SC_SE_X));
   SC_TRY(sc_want_rank(c, SC_SE_X, 4));
   SC_TRY(sc_want_rank(c, SC_SE_WEIGHT1, 4));
   int64_t n = x->shape[0], channels = x->shape[1], squeezed = c->in[SC_SE_WEIGHT1]->shape[0];
   SC_TRY(want_shape(c, SC_SE_WEIGHT1, 4, (int64_t[]){squeezed, channels, 1, 1}));
   SC_TRY(want_shape(c, SC_SE_BIAS1, 1, &squeezed));
   SC_TRY(want_shape(c, SC_SE_WEIGHT2, 4, (int64_t[]){channels, squeezed, 1, 1}));
   SC_TRY(want_shape(c, SC_SE_BIAS2, 1, &channels));
   SC_TRY(sc_describe(c, 0, x->dtype, 4, x->shape));
   ScDtype wide = sc_wide_dtype(x->dtype);
   SC_TRY(sc_describe_saved(c, SC_SE_MEANS, wide, 2, (int64_t[]){n, channels}));
   SC_TRY(sc_describe_saved(c, SC_SE_SQUEEZED, wide, 2, (int64_t[]){n, squeezed}));
   SC_TRY(sc_describe_saved(c, SC_SE_EXCITED, wide, 2, (int64_t[]){n, channels}));
   return sc_describe_saved(c, SC_SE_SCALES, wide, 2, (int64_t[]){n, channels});
}

// The gradient that came in is used up here, so that of x may take its place if nobody else holds it: kernels
// have summed it up before they write, and read an element before they write that element.
static ScStatus backward(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   if (c->needs_grad[SC_SE_X] && g->refs == 1 && g->buffer->refs == 1)
      SC_TRY(sc_tensor_alias(&c->grad_in[SC_SE_X], g, g->rank, g->shape));
   return sc_run_backward_kernel(c);
}

// Two products; on the way back the gradient goes through both again, and each of the weights takes one more.
static double multiply_adds(const ScCall *c, bool backward) {
   double product = (double)c->in[SC_SE_X]->shape[0] * (double)sc_numel(c->in[SC_SE_WEIGHT1]);
   if (!backward) return 2 * product;
   bool through_second = c->needs_grad[SC_SE_X] || c->needs_grad[SC_SE_WEIGHT1] || c->needs_grad[SC_SE_BIAS1];
   return (through_second + c->needs_grad[SC_SE_X] + c->needs_grad[SC_SE_WEIGHT1] +
           c->needs_grad[SC_SE_WEIGHT2]) *
          product;
}

SC_OP(squeeze_excitation,
      .doc = "x times a scale per sample and channel, scale_act(weight2 act(weight1 m + bias1) + bias2), where "
             "m are x's means over its pixels (Hu et al. 2018; as in EfficientNet unless the activations are "
             "given: a MobileNetV3 has relu and hardsigmoid).",
      SC_PARAMS(params), .differentiable = true,
      .keep_in = 1u << SC_SE_X | 1u << SC_SE_WEIGHT1 | 1u << SC_SE_WEIGHT2,
      .wide = 1u << SC_SE_BIAS1 | 1u << SC_SE_BIAS2, .autocast = SC_CAST_HALF, .multiply_adds = multiply_adds,
      .infer = infer, .backward = backward)
