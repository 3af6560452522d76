// Tensors of one shape side by side along a new dimension.
#include "host/ops/stack.h"

#include "host/core/call.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "all of one shape"},
    {.name = "dim",
     .kind = SC_INT,
     .optional = true,
     .preset = 1,
     .doc = "where the new dimension is in the result: 1 is before all others, -1 last"},
};

static ScStatus check_shapes(const ScCall *c) {
   const ScTensor *first = c->in[0];
   if (first->rank == SC_MAXRANK)
      return sc_fail(SC_EARG, "stack: argument 'tensors': shape %s has %d dimensions, the most there can be",
                     sc_shape_text(first), SC_MAXRANK);
   for (int i = 1; i < c->nin; i++)
      if (!sc_same_shape(first, c->in[i]))
         return sc_fail(SC_EARG, "stack: argument 'tensors': number %d has shape %s, the first one %s", i + 1,
                        sc_shape_text(c->in[i]), sc_shape_text(first));
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[SC_STACK_DIM].i, at = dim < 0 ? dim + x->rank + 1 : dim - 1, shape[SC_MAXRANK];
   SC_TRY(check_shapes(c));
   if (at < 0 || at > x->rank)
      return sc_fail(SC_EARG, "stack: argument 'dim': expected 1 to %d (or -1 to -%d) for shape %s, found %lld",
                     x->rank + 1, x->rank + 1, sc_shape_text(x), (long long)dim);
   c->attr[SC_STACK_DIM].i = at;
   for (int i = 0; i <= x->rank; i++) shape[i] = i == at ? c->nin : x->shape[i < at ? i : i - 1];
   return sc_describe(c, 0, x->dtype, x->rank + 1, shape);
}

static ScStatus backward(ScCall *c) {
   for (int i = 0; i < c->nin; i++) {
      ScAttr which[] = {c->attr[SC_STACK_DIM], {.i = i + 1}};
      if (c->needs_grad[i]) SC_TRY(sc_apply(&c->grad_in[i], "select", 1, c->grad_out, which, 2));
   }
   return SC_OK;
}

SC_OP(
    stack,
    .doc = "The tensors of a list, along a new dimension: stack { a, b } of photos (C, H, W) is (2, C, H, W).",
    SC_PARAMS(params), .differentiable = true, .promote = true, .any_dtype = true, .no_method = true,
    .infer = infer, .backward = backward)
