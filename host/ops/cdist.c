// Distances of each of some points from each of others.
#include "host/ops/cdist.h"

static const ScParam params[] = {
    {.name = "x1", .kind = SC_TENSOR, .doc = "points (M, K), or (B, M, K)"},
    {.name = "x2", .kind = SC_TENSOR, .doc = "points (N, K), or (B, N, K)"},
    {.name = "p",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 2,
     .doc = "which distance, above 0: 2 is the Euclidean one, 1 the sum of differences, math.huge the largest"},
};

static int64_t from_end(const ScTensor *t, int d) {
   return t->shape[t->rank - d];
}

static int64_t batch_of(const ScTensor *t) {
   return t->rank == 3 ? t->shape[0] : 1;
}

ScDistances sc_cdist_geometry(const ScCall *c) {
   const ScTensor *a = c->in[0], *b = c->in[1];
   ScDistances g = {.m = from_end(a, 2), .n = from_end(b, 2), .k = from_end(a, 1)};
   g.batch = batch_of(a) > batch_of(b) ? batch_of(a) : batch_of(b);
   g.stride_a = batch_of(a) == 1 ? 0 : g.m * g.k;
   g.stride_b = batch_of(b) == 1 ? 0 : g.n * g.k;
   return g;
}

static ScStatus check_points(const ScCall *c) {
   for (int i = 0; i < 2; i++) {
      const ScTensor *x = c->in[i];
      SC_TRY(sc_want_float(c, i));
      if (x->rank != 2 && x->rank != 3)
         return sc_fail(
             SC_EARG,
             "cdist: argument '%s': expected points of shape (M, K), or of (B, M, K) in a batch, found %s",
             sc_input_name(c, i), sc_shape_text(x));
   }
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *a = c->in[0], *b = c->in[1];
   SC_TRY(check_points(c));
   if (from_end(a, 1) != from_end(b, 1))
      return sc_fail(SC_EARG,
                     "cdist: argument 'x2': expected points of size %lld as in x1 of shape %s, found %s",
                     (long long)from_end(a, 1), sc_shape_text(a), sc_shape_text(b));
   if (batch_of(a) != batch_of(b) && batch_of(a) != 1 && batch_of(b) != 1)
      return sc_fail(SC_EARG,
                     "cdist: argument 'x2': expected a batch of %lld as in x1, or of one, found shape %s",
                     (long long)batch_of(a), sc_shape_text(b));
   if (!(c->attr[SC_CDIST_P].f > 0))
      return sc_fail(SC_EARG, "cdist: argument 'p': expected a number above 0, found %g",
                     c->attr[SC_CDIST_P].f);
   ScDistances g = sc_cdist_geometry(c);
   int64_t shape[] = {g.batch, g.m, g.n};
   bool batched = a->rank == 3 || b->rank == 3;
   return sc_describe(c, 0, a->dtype, 2 + batched, shape + !batched);
}

static double multiply_adds(const ScCall *c, bool backward) {
   ScDistances g = sc_cdist_geometry(c);
   int products = backward ? c->needs_grad[0] + c->needs_grad[1] : 1;
   return products * (double)(g.batch * g.m) * (double)(g.n * g.k);
}

SC_OP(
    cdist,
    .doc =
        "(sum of |a - b|^p)^(1/p) of each point a of x1 and b of x2: (M, K) and (N, K) give (M, N), in batches "
        "(B, M, N), where one serves all. Euclidean distances come from a matrix product, those of near "
        "points from differences, so that none is lost to rounding. The gradient of a distance of 0 is 0; "
        "where p is math.huge, all of the largest differences have it.",
    SC_PARAMS(params), .differentiable = true, .promote = true, .autocast = SC_CAST_WIDE, .keep_in = 3,
    .keep_out = 1, .multiply_adds = multiply_adds, .infer = infer)
