// Dimensions in another order: permute, transpose.
#include "host/core/call.h"
#include "host/core/op.h"
#include "host/ops/permute.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "order", .kind = SC_INTS, .doc = "for each dimension of the result, which dimension of x it is"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t shape[SC_MAXRANK], *order = c->attr[SC_PERMUTE_ORDER].ints.v;
   bool seen[SC_MAXRANK] = {false}, valid = c->attr[SC_PERMUTE_ORDER].ints.n == x->rank;
   for (int i = 0; valid && i < x->rank; i++) {
      if (order[i] < 0) order[i] += x->rank + 1;
      valid = order[i] >= 1 && order[i] <= x->rank && !seen[order[i] - 1];
      if (!valid) break;
      seen[order[i] - 1] = true;
      shape[i] = x->shape[order[i] - 1];
   }
   if (!valid)
      return sc_fail(SC_EARG,
                     "permute: argument 'order': expected each dimension of shape %s once (1 to %d), found %s",
                     sc_shape_text(x), x->rank, sc_dims_text(c->attr[SC_PERMUTE_ORDER].ints.n, order));
   return sc_describe(c, 0, x->dtype, x->rank, shape);
}

static ScStatus backward(ScCall *c) {
   ScAttr inverse = {.ints.n = c->in[0]->rank};
   for (int i = 0; i < inverse.ints.n; i++) inverse.ints.v[c->attr[SC_PERMUTE_ORDER].ints.v[i] - 1] = i + 1;
   return sc_apply(&c->grad_in[0], "permute", 1, c->grad_out, &inverse, 1);
}

SC_OP(permute, .doc = "x with its dimensions in another order: permute(2, 1) transposes a matrix.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .backward = backward)

static const ScParam transpose_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim1", .kind = SC_DIM, .doc = "a dimension"},
    {.name = "dim2", .kind = SC_DIM, .doc = "the dimension it changes places with"},
};

static ScStatus transpose(ScCall *c) {
   ScAttr attr = {.ints.n = c->in[0]->rank};
   for (int i = 0; i < attr.ints.n; i++) attr.ints.v[i] = i + 1;
   attr.ints.v[c->attr[0].i] = c->attr[1].i + 1;
   attr.ints.v[c->attr[1].i] = c->attr[0].i + 1;
   c->nout = 1;
   return sc_apply(&c->out[0], "permute", 1, c->in, &attr, 1);
}

SC_OP(transpose, .doc = "x with two of its dimensions exchanged.", SC_PARAMS(transpose_params),
      .forward = transpose)
