// The numbers along one dimension in their order, and where each stood.
#include "host/ops/sort.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim", .kind = SC_DIM, .optional = true, .doc = "the dimension (default: the last)"},
    {.name = "descending", .kind = SC_BOOL, .optional = true, .doc = "the largest first (default false)"},
    {.name = "stable",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "false: equal numbers in any order, which is the same one here (default true)"},
};

static void default_dim(ScCall *c) {
   if (c->attr[SC_SORT_DIM].i == SC_NODIM) c->attr[SC_SORT_DIM].i = c->in[0]->rank - 1;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   default_dim(c);
   SC_TRY(sc_describe(c, 0, x->dtype, x->rank, x->shape));
   return sc_describe(c, 1, SC_I64, x->rank, x->shape);
}

static ScStatus infer_indices(ScCall *c) {
   default_dim(c);
   return sc_describe(c, 0, SC_I64, c->in[0]->rank, c->in[0]->shape);
}

#define ORDER "Stable: equal numbers stay in their order. NaN counts as the largest."

SC_OP(sort,
      .doc = "x with the numbers along one dimension in their order, the smallest first, and where each "
             "stood (i64, from 1), both shaped as x. " ORDER,
      SC_PARAMS(params), .differentiable = true, .results = "values|indices", .infer = infer, .keep_out = 2)
SC_OP(argsort,
      .doc = "Where the numbers along one dimension stand that are the smallest, the second smallest, ... "
             "(i64, from 1), shaped as x. " ORDER,
      SC_PARAMS(params), .infer = infer_indices)
