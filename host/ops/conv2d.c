// Two-dimensional convolution.
#include "host/ops/conv2d.h"

#include <string.h>

#include "host/core/dispatch.h"

// What the user called: the folded kernel is conv_bn_act's own business.
static const char *name_of(const ScCall *c) {
   return strcmp(c->op->name, "conv2d_folded") == 0 ? "conv_bn_act" : c->op->name;
}

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W)"},
    {.name = "weight", .kind = SC_TENSOR, .doc = "filters (O, C / groups, kernel height, kernel width)"},
    {.name = "bias", .kind = SC_TENSOR, .optional = true, .doc = "(O)"},
    {.name = "stride", .kind = SC_PAIR, .optional = true, .preset = 1, .doc = "step of the window, pixels"},
    {.name = "padding", .kind = SC_PAIR, .optional = true, .choices = SC_PADDING_WORD, .doc = SC_PADDING_DOC},
    {.name = "dilation", .kind = SC_PAIR, .optional = true, .preset = 1, .doc = "distance of the taps, pixels"},
    {.name = "groups",
     .kind = SC_INT,
     .optional = true,
     .preset = 1,
     .doc = "channel groups that do not mix; C for depthwise"},
};

// Zeros before and after one dimension. TensorFlow's "same" gives ceil(size / stride) pixels and, where the
// number of zeros is odd, puts the one more after.
static void pad(int64_t padding, int64_t size, int64_t reach, int64_t stride, int64_t *before, int64_t *after) {
   *before = *after = padding;
   if (padding != SC_PADDING_SAME_TF) return;
   int64_t total = ((size + stride - 1) / stride - 1) * stride + reach - size;
   *before = total > 0 ? total / 2 : 0;
   *after = total > 0 ? total - *before : 0;
}

ScConv sc_conv_geometry(const ScCall *c) {
   const int64_t *x = c->in[SC_CONV_X]->shape, *w = c->in[SC_CONV_WEIGHT]->shape;
   const int64_t *stride = c->attr[SC_CONV_STRIDE].ints.v, *padding = c->attr[SC_CONV_PADDING].ints.v;
   const int64_t *dilation = c->attr[SC_CONV_DILATION].ints.v;
   ScConv g = {.n = x[0],
               .c = x[1],
               .h = x[2],
               .w = x[3],
               .o = w[0],
               .kh = w[2],
               .kw = w[3],
               .sh = stride[0],
               .sw = stride[1],
               .dh = dilation[0],
               .dw = dilation[1],
               .groups = c->attr[SC_CONV_GROUPS].i,
               .cg = w[1]};
   g.og = g.o / g.groups;
   int64_t reach_h = g.dh * (g.kh - 1) + 1, reach_w = g.dw * (g.kw - 1) + 1;
   pad(padding[0], g.h, reach_h, g.sh, &g.ph, &g.ph_end);
   pad(padding[1], g.w, reach_w, g.sw, &g.pw, &g.pw_end);
   g.oh = (g.h + g.ph + g.ph_end - reach_h) / g.sh + 1;
   g.ow = (g.w + g.pw + g.pw_end - reach_w) / g.sw + 1;
   return g;
}

double sc_conv_multiply_adds(const ScCall *c, bool backward) {
   ScConv g = sc_conv_geometry(c);
   int gradients = c->needs_grad[SC_CONV_X] + c->needs_grad[SC_CONV_WEIGHT];
   return (backward ? gradients : 1) * (double)(g.n * g.o * g.oh * g.ow) * (double)(g.cg * g.kh * g.kw);
}

enum { LARGEST = 1 << 20 }; // of a stride, padding or dilation: keeps the arithmetic far from overflow

static ScStatus check_pair(const ScCall *c, int attr, const char *name, int64_t least) {
   const int64_t *v = c->attr[attr].ints.v;
   if (v[0] >= least && v[1] >= least && v[0] <= LARGEST && v[1] <= LARGEST) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected %lld to %d, found {%lld, %lld}", name_of(c), name,
                  (long long)least, LARGEST, (long long)v[0], (long long)v[1]);
}

static ScStatus check_padding(const ScCall *c) {
   const int64_t *v = c->attr[SC_CONV_PADDING].ints.v;
   bool is_word = v[0] == SC_PADDING_SAME_TF && v[1] == SC_PADDING_SAME_TF;
   return is_word ? SC_OK : check_pair(c, SC_CONV_PADDING, "padding", 0);
}

static ScStatus check_channels(const ScCall *c) {
   const ScTensor *x = c->in[SC_CONV_X], *weight = c->in[SC_CONV_WEIGHT], *bias = c->in[SC_CONV_BIAS];
   int64_t groups = c->attr[SC_CONV_GROUPS].i;
   if (groups < 1 || x->shape[1] % groups != 0 || weight->shape[0] % groups != 0)
      return sc_fail(
          SC_EARG,
          "%s: argument 'groups': expected a divisor of %lld input and %lld output channels, found %lld",
          name_of(c), (long long)x->shape[1], (long long)weight->shape[0], (long long)groups);
   if (weight->shape[1] * groups != x->shape[1])
      return sc_fail(
          SC_EARG,
          "%s: argument 'x': expected %lld channels (weight has shape %s, groups is %lld), found shape %s",
          name_of(c), (long long)(weight->shape[1] * groups), sc_shape_text(weight), (long long)groups,
          sc_shape_text(x));
   if (bias && bias->shape[0] != weight->shape[0])
      return sc_fail(SC_EARG, "%s: argument 'bias': expected shape (%lld), one per output channel, found %s",
                     name_of(c), (long long)weight->shape[0], sc_shape_text(bias));
   return SC_OK;
}

static ScStatus check_dtypes(const ScCall *c) {
   SC_TRY(sc_want_float(c, SC_CONV_X));
   for (int i = 1; i < c->nin; i++) SC_TRY(sc_want_dtype_of_first(c, i));
   return SC_OK;
}

ScStatus sc_conv_infer(ScCall *c) {
   SC_TRY(sc_want_rank(c, SC_CONV_X, 4));
   SC_TRY(sc_want_rank(c, SC_CONV_WEIGHT, 4));
   SC_TRY(sc_want_rank(c, SC_CONV_BIAS, 1));
   SC_TRY(check_dtypes(c));
   SC_TRY(check_pair(c, SC_CONV_STRIDE, "stride", 1));
   SC_TRY(check_padding(c));
   SC_TRY(check_pair(c, SC_CONV_DILATION, "dilation", 1));
   SC_TRY(check_channels(c));
   ScConv g = sc_conv_geometry(c);
   if (g.h + g.ph + g.ph_end < g.dh * (g.kh - 1) + 1 || g.w + g.pw + g.pw_end < g.dw * (g.kw - 1) + 1)
      return sc_fail(
          SC_EARG,
          "%s: argument 'x': expected at least the kernel's %lld x %lld pixels with padding, found shape %s",
          name_of(c), (long long)(g.dh * (g.kh - 1) + 1), (long long)(g.dw * (g.kw - 1) + 1),
          sc_shape_text(c->in[SC_CONV_X]));
   return sc_describe(c, 0, c->in[SC_CONV_X]->dtype, 4, (int64_t[]){g.n, g.o, g.oh, g.ow});
}

// What backward reads depends on what it is asked for: the input for the weights' gradient, the weights for the
// input's.
static ScStatus forward(ScCall *c) {
   if (!c->needs_grad[SC_CONV_WEIGHT]) c->keep_in &= ~(1u << SC_CONV_X);
   if (!c->needs_grad[SC_CONV_X]) c->keep_in &= ~(1u << SC_CONV_WEIGHT);
   return sc_run_kernel(c);
}

SC_OP(
    conv2d,
    .doc =
        "Convolution (cross-correlation) of x with weight plus bias; (N, C, H, W) becomes (N, O, H', W') with "
        "H' = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, or ceil(H / stride) with "
        "padding \"same_tf\".",
    SC_PARAMS(params), .differentiable = true, .keep_in = 1u << SC_CONV_X | 1u << SC_CONV_WEIGHT,
    .wide = 1u << SC_CONV_BIAS, .autocast = SC_CAST_HALF, .multiply_adds = sc_conv_multiply_adds,
    .infer = sc_conv_infer, .forward = forward)
