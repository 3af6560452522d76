// Over one dimension, or over everything: sum, mean, max, min, argmax, argmin.
#include "host/ops/reduce.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"},
    {.name = "dim", .kind = SC_DIM, .optional = true, .doc = "the dimension (default: all together)"},
    {.name = "keepdim",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "keep the dimension, with size 1 (default false)"},
};

static void kept_shape(const ScCall *c, int64_t shape[SC_MAXRANK]) {
   int64_t dim = c->attr[SC_REDUCE_DIM].i;
   for (int i = 0; i < c->in[0]->rank; i++) shape[i] = dim == SC_NODIM || i == dim ? 1 : c->in[0]->shape[i];
}

static ScStatus describe(ScCall *c, ScDtype dtype) {
   int64_t dim = c->attr[SC_REDUCE_DIM].i, shape[SC_MAXRANK], dropped[SC_MAXRANK];
   int rank = c->in[0]->rank, left = 0;
   kept_shape(c, shape);
   if (c->attr[SC_REDUCE_KEEPDIM].i) return sc_describe(c, 0, dtype, rank, shape);
   for (int i = 0; i < rank; i++)
      if (dim != SC_NODIM && i != dim) dropped[left++] = shape[i];
   return sc_describe(c, 0, dtype, left, dropped);
}

static ScStatus infer_sum(ScCall *c) {
   return describe(c, sc_dtype_is_float(c->in[0]->dtype) ? c->in[0]->dtype : SC_I64);
}

static ScStatus infer_mean(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   return describe(c, c->in[0]->dtype);
}

static ScStatus infer_extreme(ScCall *c) {
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   SC_TRY(describe(c, c->in[0]->dtype));
   return sc_describe_saved(c, 0, SC_I64, c->in[0]->rank, shape);
}

static ScStatus infer_index(ScCall *c) {
   return describe(c, SC_I64);
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
   if (c->attr[SC_REDUCE_KEEPDIM].i) return sc_run_kernel(c);
   ScTensor wanted = *c->out[0]; // only its shape is used
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   sc_tensor_release(c->out[0]);
   c->out[0] = NULL;
   SC_TRY(sc_describe(c, 0, wanted.dtype, c->in[0]->rank, shape));
   SC_TRY(sc_run_kernel(c));
   return reshape(&c->out[0], wanted.rank, wanted.shape);
}

static ScStatus backward(ScCall *c) {
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   SC_TRY(reshape(&c->grad_out[0], c->in[0]->rank, shape));
   return sc_run_backward_kernel(c);
}

// Over everything, an index is one into the logical order.
static ScStatus forward_index(ScCall *c) {
   int64_t n = sc_numel(c->in[0]);
   if (c->attr[SC_REDUCE_DIM].i == SC_NODIM && c->in[0]->rank == 4) SC_TRY(reshape(&c->in[0], 1, &n));
   return forward(c);
}

#define REDUCE(name, text, check, run, ...)                                                                    \
   SC_OP(name, .doc = text, SC_PARAMS(params), .infer = check, .forward = run, __VA_ARGS__)
#define DIFFERENTIABLE .differentiable = true, .backward = backward

REDUCE(sum, "The sum over one dimension or over everything; integers give i64.", infer_sum, forward,
       DIFFERENTIABLE, .autocast = SC_CAST_WIDE)
REDUCE(mean, "The mean over one dimension or over everything; floating point only.", infer_mean, forward,
       DIFFERENTIABLE, .autocast = SC_CAST_WIDE)
REDUCE(max,
       "The largest entry over one dimension or over everything; of equal ones the first gets the gradient.",
       infer_extreme, forward, DIFFERENTIABLE)
REDUCE(min,
       "The smallest entry over one dimension or over everything; of equal ones the first gets the gradient.",
       infer_extreme, forward, DIFFERENTIABLE)
REDUCE(argmax, "Where the largest entry is, from 1 (i64); over everything, counted in logical order.",
       infer_index, forward_index, .differentiable = false)
REDUCE(argmin, "Where the smallest entry is, from 1 (i64); over everything, counted in logical order.",
       infer_index, forward_index, .differentiable = false)
