// The same elements in another shape, in logical order: reshape, flatten.
#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "shape",
     .kind = SC_INTS,
     .doc = "the new shape, as numbers or as one table; one -1 takes what is left"},
};
enum { SHAPE };

static ScStatus fill_in(ScCall *c, int64_t shape[SC_MAXRANK]) {
   const ScTensor *x = c->in[0];
   const int64_t *wanted = c->attr[SHAPE].ints.v;
   int rank = c->attr[SHAPE].ints.n, open = -1;
   int64_t known = 1, n = sc_numel(x);
   for (int i = 0; i < rank; i++) {
      shape[i] = wanted[i];
      bool valid = wanted[i] > 0 || (wanted[i] == -1 && open < 0);
      if (wanted[i] == -1)
         open = i;
      else if (valid && __builtin_mul_overflow(known, wanted[i], &known))
         valid = false;
      if (!valid)
         return sc_fail(SC_EARG,
                        "reshape: argument 'shape': expected positive sizes and at most one -1, found %s",
                        sc_dims_text(rank, wanted));
   }
   if (open >= 0 && n % known == 0)
      shape[open] = n / known;
   else if (open >= 0 || known != n)
      return sc_fail(SC_EARG, "reshape: argument 'shape': %s does not hold the %lld elements of shape %s",
                     sc_dims_text(rank, wanted), (long long)n, sc_shape_text(x));
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   int64_t shape[SC_MAXRANK];
   SC_TRY(fill_in(c, shape));
   return sc_describe(c, 0, c->in[0]->dtype, c->attr[SHAPE].ints.n, shape);
}

// True where memory order is logical order.
static bool is_plain(const ScTensor *t) {
   return t->rank != 4 || t->shape[1] == 1 || t->shape[2] * t->shape[3] == 1;
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   if (!sc_same_shape(x, y) && !(is_plain(x) && is_plain(y))) return sc_run_kernel(c);
   c->out[0]->buffer = sc_buffer_retain(x->buffer);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAttr attr = {.ints.n = x->rank};
   for (int i = 0; i < x->rank; i++) attr.ints.v[i] = x->shape[i];
   return sc_apply(&c->grad_in[0], "reshape", 1, c->grad_out, &attr, 1);
}

SC_OP(reshape, .doc = "The elements of x, in logical (row-major) order, in another shape of as many elements.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .forward = forward,
      .backward = backward)

static const ScParam flatten_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "from", .kind = SC_DIM, .optional = true, .doc = "first dimension to be merged (default 1: all)"},
};

static ScStatus flatten(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t from = c->attr[0].i == SC_NODIM ? 0 : c->attr[0].i;
   ScAttr attr = {.ints.n = (int)from + 1};
   for (int i = 0; i < from; i++) attr.ints.v[i] = x->shape[i];
   attr.ints.v[from] = -1;
   c->nout = 1;
   return sc_apply(&c->out[0], "reshape", 1, c->in, &attr, 1);
}

SC_OP(
    flatten,
    .doc = "x with the dimensions from `from` on merged into one: flatten(2) makes (N, C, H, W) an (N, C*H*W).",
    SC_PARAMS(flatten_params), .forward = flatten)
