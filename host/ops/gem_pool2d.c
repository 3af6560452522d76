// The generalised mean over all pixels (Radenovic, Tolias and Chum 2018, https://arxiv.org/abs/1711.02512).
#include "host/ops/gem_pool2d.h"

#include <math.h>

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "input (N, C, H, W)"},
    {.name = "p",
     .kind = SC_OPERAND,
     .doc = "the exponent, usually 3 at first: a number, or a tensor of one or of (C) numbers that may be "
            "learned"},
    {.name = "eps",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1e-6,
     .doc = "what x counts at least, above 0"},
};

ScGem sc_gem_sizes(const ScCall *c) {
   const int64_t *shape = c->in[SC_GEM_X]->shape;
   return (ScGem){shape[0], shape[2] * shape[3], shape[1], sc_numel(c->in[SC_GEM_P]) > 1,
                  c->attr[SC_GEM_EPS].f};
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[SC_GEM_X], *p = c->in[SC_GEM_P];
   double eps = c->attr[SC_GEM_EPS].f;
   SC_TRY(sc_want_rank(c, SC_GEM_X, 4));
   SC_TRY(sc_want_float(c, SC_GEM_X));
   if (sc_numel(p) != 1 && (p->rank != 1 || p->shape[0] != x->shape[1]))
      return sc_fail(SC_EARG,
                     "gem_pool2d: argument 'p': expected one number or one per channel, (%lld), found shape %s",
                     (long long)x->shape[1], sc_shape_text(p));
   SC_TRY(sc_want_dtype_of_first(c, SC_GEM_P));
   if (!(eps > 0 && eps < INFINITY))
      return sc_fail(SC_EARG, "gem_pool2d: argument 'eps': expected a number above 0, found %g", eps);
   SC_TRY(sc_describe(c, 0, x->dtype, 4, (int64_t[]){x->shape[0], x->shape[1], 1, 1}));
   return sc_describe_saved(c, 0, sc_wide_dtype(x->dtype), 3,
                            (int64_t[]){SC_GEM_STATS, x->shape[0], x->shape[1]});
}

SC_OP(
    gem_pool2d,
    .doc =
        "The generalised mean over all pixels, mean(max(x, eps)^p)^(1/p); (N, C, H, W) becomes (N, C, 1, 1). "
        "p = 1 is the mean, a large p comes near the maximum, and p = 0 gives NaN. Powers are taken relative "
        "to the largest, so that none leaves the range of numbers, and in float32 at least (Radenovic, Tolias "
        "and Chum 2018, https://arxiv.org/abs/1711.02512).",
    SC_PARAMS(params), .differentiable = true, .wide = 1u << SC_GEM_P, .keep_in = 3, .infer = infer)
