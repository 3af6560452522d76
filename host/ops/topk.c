// The largest or smallest numbers along one dimension.
#include "host/ops/sort.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "k", .kind = SC_INT, .doc = "how many, from 1 to the size of the dimension"},
    {.name = "dim", .kind = SC_DIM, .optional = true, .doc = "the dimension (default: the last)"},
    {.name = "largest",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "false: the smallest (default true)"},
    {.name = "sorted",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "false: in any order, which is the same one here (default true)"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t *dim = &c->attr[SC_TOPK_DIM].i, k = c->attr[SC_TOPK_K].i, shape[SC_MAXRANK];
   if (*dim == SC_NODIM) *dim = x->rank - 1;
   int64_t n = x->rank > 0 ? x->shape[*dim] : 1;
   if (k < 1 || k > n)
      return sc_fail(SC_EARG,
                     "topk: argument 'k': expected 1 to %lld, the size of dimension %lld of %s, found %lld",
                     (long long)n, (long long)*dim + 1, sc_shape_text(x), (long long)k);
   for (int i = 0; i < x->rank; i++) shape[i] = i == *dim ? k : x->shape[i];
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, shape));
   return sc_describe(c, 1, SC_I64, x->rank, shape);
}

SC_OP(topk,
      .doc = "The k largest numbers along one dimension, the largest first, and where they stand (i64, "
             "from 1). Of equal numbers the first come first. NaN counts as the largest.",
      SC_PARAMS(params), .differentiable = true, .results = "values|indices", .infer = infer, .keep_out = 2)
