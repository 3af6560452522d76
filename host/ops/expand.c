// Dimensions of size 1 stretched. Operators and most ops do so by themselves.
#include "host/ops/expand.h"

#include "host/core/dispatch.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "shape",
     .kind = SC_INTS,
     .doc = "the shape wanted, the last number for the last dimension; -1 leaves a size as it is"},
};
enum { SHAPE };

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   const int64_t *wanted = c->attr[SHAPE].ints.v;
   int rank = c->attr[SHAPE].ints.n, more = rank - x->rank;
   int64_t shape[SC_MAXRANK];
   if (more < 0)
      return sc_fail(SC_EARG, "expand: argument 'shape': expected at least %d numbers for shape %s, found %s",
                     x->rank, sc_shape_text(x), sc_dims_text(rank, wanted));
   for (int d = 0; d < rank; d++) {
      int64_t n = d < more ? 1 : x->shape[d - more];
      shape[d] = wanted[d] == -1 && d >= more ? n : wanted[d];
      if (shape[d] < 1 || (n != 1 && shape[d] != n))
         return sc_fail(SC_EARG,
                        "expand: argument 'shape': shape %s does not stretch to %s: %lld against %lld in "
                        "dimension %d; only sizes of 1 do",
                        sc_shape_text(x), sc_dims_text(rank, wanted), (long long)n, (long long)wanted[d],
                        d + 1);
   }
   return sc_describe(c, 0, x->dtype, rank, shape);
}

ScRemap sc_expand_map(const ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   ScRemap m = {.value = 0};
   for (int d = 0; d < y->rank; d++) {
      int mine = d - (y->rank - x->rank);
      m.dim[d] = (ScDimMap){.kind = SC_MAP_WRAP, .n = mine < 0 ? 1 : x->shape[mine]};
   }
   return m;
}

// Where nothing is stretched the content is shared.
static ScStatus forward(ScCall *c) {
   if (!sc_same_shape(c->in[0], c->out[0])) return sc_run_kernel(c);
   c->out[0]->buffer = sc_buffer_retain(c->in[0]->buffer);
   return SC_OK;
}

SC_OP(expand,
      .doc = "x with dimensions of size 1 repeated up to another shape: expand(4, -1) makes (1, 3) a (4, 3). "
             "The result has memory of its own; operators stretch their operands without.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .forward = forward,
      .backward = sc_sum_repeats)
