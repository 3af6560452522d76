// A range of one dimension.
#include "host/ops/slice.h"

#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim", .kind = SC_DIM, .doc = "the dimension"},
    {.name = "from",
     .kind = SC_INT,
     .optional = true,
     .preset = 1,
     .doc = "first index; negative counts from the end"},
    {.name = "to", .kind = SC_INT, .optional = true, .preset = -1, .doc = "last index, included"},
    {.name = "step", .kind = SC_INT, .optional = true, .preset = 1, .doc = "distance of the indices taken"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[SC_SLICE_DIM].i, n = x->shape[dim], step = c->attr[SC_SLICE_STEP].i;
   int64_t *from = &c->attr[SC_SLICE_FROM].i, *to = &c->attr[SC_SLICE_TO].i;
   int64_t first = *from < 0 ? *from + n + 1 : *from, last = *to < 0 ? *to + n + 1 : *to;
   if (first < 1 || last > n || first > last)
      return sc_fail(
          SC_EARG,
          "slice: expected 1 <= from <= to <= %lld in dimension %d of shape %s, found from %lld to %lld",
          (long long)n, (int)dim + 1, sc_shape_text(x), (long long)*from, (long long)*to);
   if (step < 1)
      return sc_fail(SC_EARG, "slice: argument 'step': expected at least 1, found %lld", (long long)step);
   *from = first, *to = last;
   int64_t shape[SC_MAXRANK];
   for (int i = 0; i < x->rank; i++) shape[i] = i == dim ? (last - first) / step + 1 : x->shape[i];
   return sc_describe(c, 0, x->dtype, x->rank, shape);
}

SC_OP(slice, .doc = "The indices from, from + step, ... up to and with `to` of one dimension of x.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .reads_part = 1, .infer = infer)
