// Entries by their index in one dimension, a different one at each place, taken or added to: gather,
// scatter_add.
#include "host/ops/gather.h"

#include "host/core/dispatch.h"
#include "host/ops/classes.h"

// `index` lies inside of `t`; in dimension `any` it may be as long as it wants, unless that is SC_NODIM.
static ScStatus want_inside(const ScCall *c, int input, int64_t any) {
   const ScTensor *index = c->in[1], *t = c->in[input];
   const char *op = c->op->name, *name = sc_input_name(c, input);
   if (index->rank != t->rank)
      return sc_fail(SC_EARG,
                     "%s: argument 'index': expected as many dimensions as '%s' has, %d, found shape %s", op,
                     name, t->rank, sc_shape_text(index));
   for (int d = 0; d < t->rank; d++)
      if (d != any && index->shape[d] > t->shape[d])
         return sc_fail(SC_EARG,
                        "%s: argument 'index': shape %s is larger in dimension %d than '%s', whose shape is %s",
                        op, sc_shape_text(index), d + 1, name, sc_shape_text(t));
   return SC_OK;
}

static const ScParam gather_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension in which entries are chosen"},
    {.name = "index",
     .kind = SC_TENSOR,
     .doc = "i64, numbers from 1, as many dimensions as x has and elsewhere than in `dim` no larger"},
};

static ScStatus infer_gather(ScCall *c) {
   int64_t dim = c->attr[SC_GATHER_DIM].i;
   SC_TRY(want_inside(c, 0, dim));
   SC_TRY(sc_want_numbers(c, 1, c->in[0]->shape[dim], "indices"));
   return sc_describe(c, 0, c->in[0]->dtype, c->in[1]->rank, c->in[1]->shape);
}

SC_OP(
    gather,
    .doc =
        "For each place of `index` the entry of x at that place, but in `dim` where the index says: "
        "x:gather(2, index)[i][j] is x[i][index[i][j]]. The result has the shape of `index`; an entry that is "
        "taken several times gets the sum of the gradients. A wrong index is an error on the CPU; a GPU, which "
        "is "
        "not waited for, answers it with NaN, of i64 with -1 and of u8 with 255.",
    SC_PARAMS(gather_params), .differentiable = true, .any_dtype = true, .reads_part = 1, .keep_in = 2,
    .infer = infer_gather)

static const ScParam scatter_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "what is added to; any shape"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension in which entries are chosen"},
    {.name = "index",
     .kind = SC_TENSOR,
     .doc = "i64, numbers from 1, as many dimensions as x has and elsewhere than in `dim` no larger"},
    {.name = "src",
     .kind = SC_TENSOR,
     .doc = "what is added, of x's dtype: at least as large as `index` everywhere"},
};

static ScStatus infer_scatter(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[SC_GATHER_DIM].i;
   SC_TRY(want_inside(c, SC_SCATTER_X, dim));
   SC_TRY(want_inside(c, SC_SCATTER_SRC, SC_NODIM));
   SC_TRY(sc_want_dtype_of_first(c, SC_SCATTER_SRC));
   SC_TRY(sc_want_numbers(c, 1, x->shape[dim], "indices"));
   return sc_describe(c, 0, x->dtype, x->rank, x->shape);
}

static ScStatus backward_scatter(ScCall *c) {
   if (c->needs_grad[SC_SCATTER_X]) c->grad_in[SC_SCATTER_X] = sc_tensor_retain(c->grad_out[0]);
   return c->needs_grad[SC_SCATTER_SRC] ? sc_run_backward_kernel(c) : SC_OK;
}

SC_OP(scatter_add,
      .doc = "x with the entries of `src` added, each at its own place, but in `dim` where the index says: "
             "x:scatter_add(2, index, src) adds src[i][j] to entry [i][index[i][j]]. What goes to one entry is "
             "added up in the order of `dim`, on every device; halves in float32. A wrong index is an error on "
             "the CPU; a GPU, which is not waited for, puts NaN (i64: -1, u8: 255) into the first entry of the "
             "line.",
      SC_PARAMS(scatter_params), .differentiable = true, .keep_in = 2, .infer = infer_scatter,
      .backward = backward_scatter)
