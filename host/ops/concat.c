// Tensors one after the other along a dimension.
#include "host/ops/concat.h"

#include "host/core/call.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "shapes that differ in `dim` at most"},
    {.name = "dim", .kind = SC_DIM, .optional = true, .doc = "the dimension that grows (default 1)"},
};

static bool fits(const ScTensor *a, const ScTensor *b, int64_t dim) {
   if (a->rank != b->rank) return false;
   for (int i = 0; i < a->rank; i++)
      if (i != dim && a->shape[i] != b->shape[i]) return false;
   return true;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *first = c->in[0];
   if (first->rank == 0)
      return sc_fail(SC_EARG, "concat: argument 'tensors': scalars have no dimension to grow in");
   int64_t *dim = &c->attr[SC_CONCAT_DIM].i, shape[SC_MAXRANK], total = 0;
   if (*dim == SC_NODIM) *dim = 0;
   for (int i = 0; i < c->nin; i++) {
      if (!fits(first, c->in[i], *dim))
         return sc_fail(SC_EARG,
                        "concat: argument 'tensors': number %d has shape %s, which differs from %s outside of "
                        "dimension %d",
                        i + 1, sc_shape_text(c->in[i]), sc_shape_text(first), (int)*dim + 1);
      total += c->in[i]->shape[*dim];
   }
   for (int i = 0; i < first->rank; i++) shape[i] = i == *dim ? total : first->shape[i];
   return sc_describe(c, 0, first->dtype, first->rank, shape);
}

static ScStatus backward(ScCall *c) {
   int64_t dim = c->attr[SC_CONCAT_DIM].i, at = 1;
   for (int i = 0; i < c->nin; i++) {
      int64_t n = c->in[i]->shape[dim];
      ScAttr range[] = {{.i = dim}, {.i = at}, {.i = at + n - 1}};
      if (c->needs_grad[i]) SC_TRY(sc_apply(&c->grad_in[i], "slice", 1, c->grad_out, range, 3));
      at += n;
   }
   return SC_OK;
}

SC_OP(concat, .doc = "The tensors of a list, one after the other along one dimension.", SC_PARAMS(params),
      .differentiable = true, .promote = true, .any_dtype = true, .no_method = true, .infer = infer,
      .backward = backward)
