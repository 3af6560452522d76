// The kernel of layer_norm and group_norm.
#include "host/ops/grouped_norm.h"

#include <math.h>

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/redo.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "(N, C) or (N, C, H, W)"},
    {.name = "weight", .kind = SC_TENSOR, .optional = true, .doc = "scale per channel (C), 1 if absent"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "shift per channel (C), 0 if absent"},
    {.name = "groups", .kind = SC_INT, .optional = true, .preset = 1, .doc = "a divisor of C"},
    {.name = "per_pixel", .kind = SC_BOOL, .optional = true, .doc = "each pixel by itself"},
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-5, .doc = "added to the variance"},
};

ScGroups sc_groups(const ScCall *c) {
   const ScTensor *x = c->in[SC_GN_X];
   bool apart = x->rank == 2 || c->attr[SC_GN_PER_PIXEL].i;
   int64_t channels = x->shape[1], groups = c->attr[SC_GN_GROUPS].i;
   int64_t rows = sc_numel(x) / channels, samples = apart ? rows : x->shape[0];
   return (ScGroups){samples, rows / samples, channels, groups, channels / groups, c->attr[SC_GN_EPS].f};
}

ScStatus sc_check_eps(const ScCall *c, double eps) {
   if (eps >= 0 && isfinite(eps)) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument 'eps': expected a number of at least 0, found %g", c->op->name, eps);
}

ScStatus sc_reshape(ScTensor **out, ScTensor *x, int rank, const int64_t *shape) {
   ScAttr attr = {.ints.n = rank};
   for (int i = 0; i < rank; i++) attr.ints.v[i] = shape[i];
   return sc_apply(out, "reshape", 1, &x, &attr, 1);
}

static bool has_shape(const ScTensor *t, int rank, const int64_t *shape) {
   bool same = t->rank == rank;
   for (int i = 0; i < rank && same; i++) same = t->shape[i] == shape[i];
   return same;
}

// Half ones are converted before the kernel runs.
ScStatus sc_check_affine(const ScCall *c, int rank, const int64_t *shape, const char *what) {
   const ScTensor *x = c->in[SC_GN_X];
   for (int i = SC_GN_WEIGHT; i <= SC_GN_BIAS; i++) {
      const ScTensor *t = c->in[i];
      if (!t) continue;
      if (!has_shape(t, rank, shape))
         return sc_fail(SC_EARG, "%s: argument '%s': expected shape %s, %s, found %s", c->op->name,
                        sc_input_name(c, i), sc_dims_text(rank, shape), what, sc_shape_text(t));
      if (sc_wide_dtype(t->dtype) != sc_wide_dtype(x->dtype))
         return sc_fail(SC_EARG, "%s: argument '%s': expected %s beside x of %s, found %s", c->op->name,
                        sc_input_name(c, i), sc_dtype_name(sc_wide_dtype(x->dtype)), sc_dtype_name(x->dtype),
                        sc_dtype_name(t->dtype));
   }
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_GN_X];
   SC_TRY(sc_want_float(c, SC_GN_X));
   if (x->rank != 2 && x->rank != 4)
      return sc_fail(SC_EARG, "%s: argument 'x': expected 2 or 4 dimensions, found shape %s", c->op->name,
                     sc_shape_text(x));
   SC_TRY(sc_check_affine(c, 1, &x->shape[1], "one per channel of x"));
   int64_t groups = c->attr[SC_GN_GROUPS].i;
   if (groups < 1 || x->shape[1] % groups != 0)
      return sc_fail(SC_EARG, "%s: argument 'groups': expected a divisor of the %lld channels, found %lld",
                     c->op->name, (long long)x->shape[1], (long long)groups);
   SC_TRY(sc_check_eps(c, c->attr[SC_GN_EPS].f));
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, x->shape));
   ScGroups g = sc_groups(c);
   int64_t shape[] = {g.samples, g.groups};
   SC_TRY(sc_describe_saved(c, SC_GN_MEAN, sc_wide_dtype(x->dtype), 2, shape));
   return sc_describe_saved(c, SC_GN_INVERSE, sc_wide_dtype(x->dtype), 2, shape);
}

// On the host the result is computed again when backward wants it; the shift serves nothing else.
static ScStatus forward(ScCall *c) {
   c->redoes = sc_would_redo(c);
   if (!c->redoes) c->keep_in &= ~(1u << SC_GN_BIAS);
   return sc_run_kernel(c);
}

static ScStatus redo(const ScCall *c, ScTensor **out) {
   return sc_apply(out, "grouped_norm", SC_GN_INPUTS, c->in, c->attr, SC_GN_ATTRS);
}

// The gradient of x takes the place of the one that came in, if nobody else holds that: kernels have summed up
// what they need of it before they write, and read an element before they write there.
static ScStatus backward(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   if (c->needs_grad[SC_GN_X] && g->refs == 1 && g->buffer->refs == 1)
      SC_TRY(sc_tensor_alias(&c->grad_in[SC_GN_X], g, g->rank, g->shape));
   return sc_run_backward_kernel(c);
}

SC_OP(grouped_norm,
      .doc =
          "(x - mean) / sqrt(var + eps) * weight + bias, with the mean and the biased variance of each sample "
          "and group of neighbouring channels; layer_norm and group_norm call it.",
      SC_PARAMS(params), .differentiable = true, .no_method = true,
      .keep_in = 1u << SC_GN_X | 1u << SC_GN_WEIGHT | 1u << SC_GN_BIAS,
      .wide = 1u << SC_GN_WEIGHT | 1u << SC_GN_BIAS, .infer = infer, .forward = forward, .backward = backward,
      .redo = redo)
