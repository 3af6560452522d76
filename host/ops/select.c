// One index of a dimension.
#include "host/core/call.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension, which the result no longer has"},
    {.name = "index", .kind = SC_INT, .doc = "1 to the size of that dimension; negative counts from the end"},
};
enum { DIM, INDEX };

// A slice of one, without the dimension.
static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[DIM].i, index = c->attr[INDEX].i, n = x->shape[dim];
   if (index == 0 || index > n || index < -n)
      return sc_fail(SC_EARG,
                     "select: argument 'index': expected 1 to %lld in dimension %d of shape %s, found %lld",
                     (long long)n, (int)dim + 1, sc_shape_text(x), (long long)index);
   ScTensor *slice;
   SC_TRY(sc_apply(&slice, "slice", 1, c->in, (ScAttr[]){{.i = dim}, {.i = index}, {.i = index}}, 3));
   ScAttr shape = {.ints.n = 0};
   for (int i = 0; i < x->rank; i++)
      if (i != dim) shape.ints.v[shape.ints.n++] = x->shape[i];
   ScStatus status = sc_apply(&c->out[0], "reshape", 1, &slice, &shape, 1);
   sc_tensor_release(slice);
   if (status == SC_OK) c->nout = 1;
   return status;
}

SC_OP(select, .doc = "The entries of x with one index in a dimension; the result lacks that dimension.",
      SC_PARAMS(params), .forward = forward)
