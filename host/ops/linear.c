// Fully connected layer.
#include "host/core/dispatch.h"
#include "host/ops/linear_rows.h"

enum { X = SC_LINEAR_X, WEIGHT = SC_LINEAR_WEIGHT, BIAS = SC_LINEAR_BIAS };

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (..., I)"},
    {.name = "weight", .kind = SC_TENSOR, .doc = "(O, I)"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "(O)"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[X], *weight = c->in[WEIGHT], *bias = c->in[BIAS];
   SC_TRY(sc_want_float(c, X));
   SC_TRY(sc_want_rank(c, WEIGHT, 2));
   if (x->rank < 1 || x->shape[x->rank - 1] != weight->shape[1])
      return sc_fail(SC_EARG, "%s: argument 'x': expected shape (..., %lld) for a weight of shape %s, found %s",
                     c->op->name, (long long)weight->shape[1], sc_shape_text(weight), sc_shape_text(x));
   if (bias && (bias->rank != 1 || bias->shape[0] != weight->shape[0]))
      return sc_fail(SC_EARG, "%s: argument 'bias': expected shape (%lld), found %s", c->op->name,
                     (long long)weight->shape[0], sc_shape_text(bias));
   for (int i = WEIGHT; i <= BIAS; i++) SC_TRY(sc_want_dtype_of_first(c, i));
   int64_t shape[SC_MAXRANK];
   for (int d = 0; d < x->rank - 1; d++) shape[d] = x->shape[d];
   shape[x->rank - 1] = weight->shape[0];
   return sc_describe(c, 0, x->dtype, x->rank, shape);
}

static ScStatus forward(ScCall *c) {
   if (!c->needs_grad[WEIGHT]) c->keep_in &= ~(1u << X);
   if (!c->needs_grad[X]) c->keep_in &= ~(1u << WEIGHT);
   return sc_run_kernel(c);
}

static double multiply_adds(const ScCall *c, bool backward) {
   int products = backward ? c->needs_grad[X] + c->needs_grad[WEIGHT] : 1;
   return products * (double)sc_numel(c->in[X]) * (double)c->in[WEIGHT]->shape[0];
}

SC_OP(linear, .doc = "x weight^T + bias over the last dimension; (..., I) becomes (..., O).", SC_PARAMS(params),
      .differentiable = true, .keep_in = 1u << X | 1u << WEIGHT, .wide = 1u << BIAS, .autocast = SC_CAST_HALF,
      .multiply_adds = multiply_adds, .infer = infer, .forward = forward)
