// Group normalisation (Wu and He 2018, https://arxiv.org/abs/1803.08494).
#include "host/core/call.h"
#include "host/ops/grouped_norm.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, ...)"},
    {.name = "num_groups", .kind = SC_INT, .doc = "groups of neighbouring channels, a divisor of C"},
    {.name = "weight", .kind = SC_TENSOR, .optional = true, .doc = "scale per channel (C), 1 if absent"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "shift per channel (C), 0 if absent"},
    {.name = "eps",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1e-5,
     .doc = "added to the variance; at least 0"},
};
enum { GROUPS, EPS };

static ScStatus check(const ScCall *c) {
   const ScTensor *x = c->in[SC_GN_X];
   SC_TRY(sc_want_float(c, SC_GN_X));
   if (x->rank < 2)
      return sc_fail(SC_EARG, "group_norm: argument 'x': expected (N, C, ...), found shape %s",
                     sc_shape_text(x));
   int64_t groups = c->attr[GROUPS].i, channels = x->shape[1];
   if (groups < 1 || channels % groups != 0)
      return sc_fail(SC_EARG,
                     "group_norm: argument 'num_groups': expected a divisor of the %lld channels, found %lld",
                     (long long)channels, (long long)groups);
   SC_TRY(sc_check_affine(c, 1, &channels, "one per channel of x"));
   return sc_check_eps(c, c->attr[EPS].f);
}

static ScStatus normalise(ScTensor **out, const ScCall *c, ScTensor *x) {
   ScTensor *in[] = {x, c->in[SC_GN_WEIGHT], c->in[SC_GN_BIAS]};
   ScAttr attr[] = {c->attr[GROUPS], {.i = false}, c->attr[EPS]};
   return sc_apply(out, "grouped_norm", SC_GN_INPUTS, in, attr, SC_GN_ATTRS);
}

// By way of one row of pixels, where there is another number of dimensions.
static ScStatus forward(ScCall *c) {
   SC_TRY(check(c));
   ScTensor *x = c->in[SC_GN_X];
   c->nout = 1;
   if (x->rank == 2 || x->rank == 4) return normalise(&c->out[0], c, x);
   int64_t shape[] = {x->shape[0], x->shape[1], sc_numel(x) / (x->shape[0] * x->shape[1]), 1};
   ScTensor *row, *y = NULL;
   SC_TRY(sc_reshape(&row, x, 4, shape));
   ScStatus status = normalise(&y, c, row);
   if (status == SC_OK) status = sc_reshape(&c->out[0], y, x->rank, x->shape);
   sc_tensor_release(row);
   sc_tensor_release(y);
   return status;
}

SC_OP(group_norm,
      .doc = "(x - mean) / sqrt(var + eps) * weight + bias, with the mean and the biased variance of each "
             "sample and "
             "group of channels, over all pixels, in float32 or better; in training and in evaluation alike "
             "(Wu and He 2018, https://arxiv.org/abs/1803.08494). A NaN or an infinity makes NaN of its group; "
             "equal "
             "numbers become the bias, with eps = 0 NaN.",
      SC_PARAMS(params), .differentiable = true, .forward = forward)
