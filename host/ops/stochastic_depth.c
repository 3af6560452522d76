// Stochastic depth: whole samples of a residual branch are left out. As with dropout nothing is stored:
// backward draws the same samples again from the same counters.
#include "host/ops/stochastic_depth.h"

#include "host/core/dispatch.h"
#include "host/core/row_keys.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "the branch (N, ...), floating point"},
    {.name = "residual", .kind = SC_TENSOR, .optional = true, .doc = "added afterwards, of x's shape"},
    {.name = "p", .kind = SC_NUMBER, .doc = "probability that a sample of x becomes 0"},
    {.name = "training",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "false: nothing is left out (default true)"},
    {.name = "keys",
     .kind = SC_TENSOR,
     .optional = true,
     .doc = "(N) i64: whether sample n is left out follows from its key, in whatever batch it is"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_DEPTH_X], *residual = c->in[SC_DEPTH_RESIDUAL];
   double p = c->attr[SC_DEPTH_P].f;
   SC_TRY(sc_want_float(c, SC_DEPTH_X));
   if (x->rank < 1)
      return sc_fail(SC_EARG,
                     "stochastic_depth: argument 'x': expected a dimension of samples, found a scalar");
   if (!(p >= 0 && p <= 1))
      return sc_fail(SC_EARG, "stochastic_depth: argument 'p': expected 0 to 1, found %g", p);
   if (residual && (!sc_same_shape(x, residual) || x->dtype != residual->dtype))
      return sc_fail(SC_EARG, "stochastic_depth: argument 'residual': expected %s %s as x, found %s %s",
                     sc_dtype_name(x->dtype), sc_shape_text(x), sc_dtype_name(residual->dtype),
                     sc_shape_text(residual));
   SC_TRY(sc_want_row_keys(c, SC_DEPTH_X, SC_DEPTH_KEYS));
   return sc_describe(c, 0, x->dtype, x->rank, x->shape);
}

static bool is_random(const ScCall *c) {
   return c->attr[SC_DEPTH_TRAINING].i && c->attr[SC_DEPTH_P].f > 0;
}

static ScStatus forward(ScCall *c) {
   if (!is_random(c) && !c->in[SC_DEPTH_RESIDUAL]) {
      c->out[0]->buffer = sc_buffer_retain(c->in[SC_DEPTH_X]->buffer);
      return SC_OK;
   }
   sc_row_keys_begin(c, SC_DEPTH_X, SC_DEPTH_KEYS, &c->attr[SC_DEPTH_SEED], &c->attr[SC_DEPTH_STREAM]);
   return sc_run_kernel(c);
}

// Only now, so that a retry after SC_EMEM draws the same samples.
static ScStatus use_stream(ScCall *c) {
   if (is_random(c)) sc_row_keys_end(c, SC_DEPTH_KEYS);
   return SC_OK;
}

static ScStatus hand_on(ScCall *c, int input) {
   const ScTensor *g = c->grad_out[0];
   return c->needs_grad[input] ? sc_tensor_alias(&c->grad_in[input], g, g->rank, g->shape) : SC_OK;
}

static ScStatus backward(ScCall *c) {
   if (c->in[SC_DEPTH_RESIDUAL]) SC_TRY(hand_on(c, SC_DEPTH_RESIDUAL));
   if (!is_random(c)) return hand_on(c, SC_DEPTH_X);
   return c->needs_grad[SC_DEPTH_X] ? sc_run_backward_kernel(c) : SC_OK;
}

SC_OP(stochastic_depth,
      .doc = "While training, each sample of x is 0 with probability p and otherwise x / (1 - p); then the "
             "residual is added (Huang et al. 2016, in torchvision's mode \"row\").",
      SC_PARAMS(params), .differentiable = true, .keep_in = 1u << SC_DEPTH_KEYS, .infer = infer,
      .forward = forward, .commit = use_stream, .backward = backward)
