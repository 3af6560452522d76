// The number in the middle.
#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/ops/sort.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim",
     .kind = SC_DIM,
     .optional = true,
     .doc = "the dimension (default: all together, without indices)"},
    {.name = "keepdim",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "keep the dimension, with size 1 (default false)"},
};

static void kept_shape(const ScCall *c, int64_t shape[SC_MAXRANK]) {
   int64_t dim = c->attr[SC_MEDIAN_DIM].i;
   for (int i = 0; i < c->in[0]->rank; i++) shape[i] = dim == SC_NODIM || i == dim ? 1 : c->in[0]->shape[i];
}

static ScStatus describe(ScCall *c, int rank, const int64_t *shape) {
   SC_TRY(sc_describe(c, 0, c->in[0]->dtype, rank, shape));
   return c->attr[SC_MEDIAN_DIM].i == SC_NODIM ? SC_OK : sc_describe(c, 1, SC_I64, rank, shape);
}

static ScStatus infer(ScCall *c) {
   int64_t dim = c->attr[SC_MEDIAN_DIM].i, shape[SC_MAXRANK], dropped[SC_MAXRANK];
   int rank = c->in[0]->rank, left = 0;
   kept_shape(c, shape);
   for (int i = 0; i < rank; i++)
      if (dim != SC_NODIM && i != dim) dropped[left++] = shape[i];
   SC_TRY(sc_describe_saved(c, 0, SC_I64, rank, shape));
   return c->attr[SC_MEDIAN_KEEPDIM].i ? describe(c, rank, shape) : describe(c, left, dropped);
}

static ScStatus reshape(ScTensor **slot, int rank, const int64_t *shape) {
   ScTensor *reshaped;
   ScAttr attr = {.ints.n = rank};
   for (int i = 0; i < rank; i++) attr.ints.v[i] = shape[i];
   SC_TRY(sc_apply(&reshaped, "reshape", 1, slot, &attr, 1));
   sc_tensor_release(*slot);
   *slot = reshaped;
   return SC_OK;
}

// Kernels keep the dimension, because dropping one changes the memory order around rank 4.
static ScStatus forward(ScCall *c) {
   if (c->attr[SC_MEDIAN_KEEPDIM].i) return sc_run_kernel(c);
   ScTensor wanted = *c->out[0]; // only its shape is used
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   sc_tensor_release_all(c->nout, c->out);
   SC_TRY(describe(c, c->in[0]->rank, shape));
   SC_TRY(sc_run_kernel(c));
   for (int i = 0; i < c->nout; i++) SC_TRY(reshape(&c->out[i], wanted.rank, wanted.shape));
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   SC_TRY(reshape(&c->grad_out[0], c->in[0]->rank, shape));
   return sc_run_backward_kernel(c);
}

SC_OP(median,
      .doc = "The number in the middle over one dimension, and where it stands (i64, from 1), or over "
             "everything; of an even count the lower of the two. NaN where there is one. Of equal numbers "
             "one gets the gradient, that which a stable sort puts in the middle.",
      SC_PARAMS(params), .differentiable = true, .results = "value|index?", .infer = infer, .forward = forward,
      .backward = backward)
