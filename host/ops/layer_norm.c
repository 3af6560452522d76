// Layer normalisation (Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450).
#include "host/core/call.h"
#include "host/ops/grouped_norm.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (..., normalized_shape), or with channels (N, C, H, W)"},
    {.name = "normalized_shape",
     .kind = SC_INTS,
     .doc = "sizes of the last dimensions, over which is normalised: {C}"},
    {.name = "weight", .kind = SC_TENSOR, .optional = true, .doc = "scale, of normalized_shape; 1 if absent"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "shift, of normalized_shape; 0 if absent"},
    {.name = "eps",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1e-5,
     .doc = "added to the variance; at least 0"},
    {.name = "channels",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "over the channels of each pixel of x (N, C, H, W), normalized_shape {C}, instead"},
};
enum { SHAPE, EPS, CHANNELS };

static bool ends_with(const ScTensor *x, int n, const int64_t *sizes) {
   for (int i = 0; i < n; i++)
      if (x->shape[x->rank - n + i] != sizes[i]) return false;
   return true;
}

static ScStatus check_x(const ScCall *c) {
   const ScTensor *x = c->in[SC_GN_X];
   int n = c->attr[SHAPE].ints.n;
   const int64_t *sizes = c->attr[SHAPE].ints.v;
   SC_TRY(sc_want_float(c, SC_GN_X));
   if (n < 1)
      return sc_fail(SC_EARG,
                     "layer_norm: argument 'normalized_shape': expected at least one size, found none");
   if (c->attr[CHANNELS].i) {
      if (x->rank == 4 && n == 1 && sizes[0] == x->shape[1]) return SC_OK;
      return sc_fail(
          SC_EARG,
          "layer_norm: with channels: expected x (N, C, H, W) and the normalized_shape (C), found x %s and "
          "%s",
          sc_shape_text(x), sc_dims_text(n, sizes));
   }
   if (n <= x->rank && ends_with(x, n, sizes)) return SC_OK;
   bool channels = x->rank == 4 && n == 1 && sizes[0] == x->shape[1];
   return sc_fail(SC_EARG,
                  "layer_norm: argument 'x': expected a shape that ends with normalized_shape %s, found %s%s",
                  sc_dims_text(n, sizes), sc_shape_text(x),
                  channels ? "; over its channels: channels = true, or nn.LayerNorm2d" : "");
}

static ScStatus check(const ScCall *c) {
   SC_TRY(check_x(c));
   SC_TRY(sc_check_affine(c, c->attr[SHAPE].ints.n, c->attr[SHAPE].ints.v, "the normalized_shape"));
   return sc_check_eps(c, c->attr[EPS].f);
}

static ScStatus normalise(ScTensor **out, const ScCall *c, ScTensor *const *in, bool per_pixel) {
   ScAttr attr[] = {{.i = 1}, {.i = per_pixel}, c->attr[EPS]};
   return sc_apply(out, "grouped_norm", SC_GN_INPUTS, in, attr, SC_GN_ATTRS);
}

// As rows of as many numbers as normalized_shape has. One way or another these lie in logical order, so that
// only of (N, C, H, W) something moves.
static ScStatus by_rows(ScCall *c) {
   ScTensor *x = c->in[SC_GN_X], *in[SC_GN_INPUTS] = {NULL}, *y = NULL;
   int64_t n = 1;
   for (int i = 0; i < c->attr[SHAPE].ints.n; i++) n *= c->attr[SHAPE].ints.v[i];
   ScStatus status = sc_reshape(&in[SC_GN_X], x, 2, (int64_t[]){sc_numel(x) / n, n});
   for (int i = SC_GN_WEIGHT; i <= SC_GN_BIAS && status == SC_OK; i++)
      if (c->in[i]) status = sc_reshape(&in[i], c->in[i], 1, &n);
   if (status == SC_OK) status = normalise(&y, c, in, false);
   if (status == SC_OK) status = sc_reshape(&c->out[0], y, x->rank, x->shape);
   for (int i = 0; i < SC_GN_INPUTS; i++) sc_tensor_release(in[i]);
   sc_tensor_release(y);
   return status;
}

static ScStatus forward(ScCall *c) {
   SC_TRY(check(c));
   c->nout = 1;
   return c->attr[CHANNELS].i ? normalise(&c->out[0], c, c->in, true) : by_rows(c);
}

SC_OP(
    layer_norm,
    .doc =
        "(x - mean) / sqrt(var + eps) * weight + bias, with the mean and the biased variance over the last "
        "dimensions, in float32 or better; in training and in evaluation alike (Ba, Kiros and Hinton 2016, "
        "https://arxiv.org/abs/1607.06450). A NaN or an infinity makes NaN of all that it is normalised with; "
        "equal numbers become the bias, with eps = 0 NaN.",
    SC_PARAMS(params), .differentiable = true, .forward = forward)
