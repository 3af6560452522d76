// Chosen indices of one dimension.
#include "host/ops/index_select.h"

#include "host/ops/classes.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension"},
    {.name = "indices", .kind = SC_TENSOR, .doc = "i64 (K), numbers from 1, repeats allowed"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[SC_INDEX_SELECT_DIM].i, shape[SC_MAXRANK];
   SC_TRY(sc_want_rank(c, 1, 1));
   SC_TRY(sc_want_numbers(c, 1, x->shape[dim], "indices"));
   for (int i = 0; i < x->rank; i++) shape[i] = i == dim ? c->in[1]->shape[0] : x->shape[i];
   return sc_describe(c, 0, x->dtype, x->rank, shape);
}

SC_OP(index_select,
      .doc = "The entries of x with the given indices in one dimension, in their order. A wrong index is an "
             "error on "
             "the CPU; a GPU, which is not waited for, answers it with NaN, of i64 with -1 and of u8 with 255.",
      SC_PARAMS(params), .differentiable = true, .keep_in = 2, .reads_part = 1, .infer = infer)
