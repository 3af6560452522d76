// The cosine of the angle between vectors, out of ops that bring them to length 1, multiply and add up.
#include "host/core/call.h"
#include "host/ops/broadcast.h"

static const ScParam params[] = {
    {.name = "x1", .kind = SC_TENSOR, .doc = "any shape but a scalar, floating point"},
    {.name = "x2", .kind = SC_TENSOR, .doc = "of a shape that broadcasts with that of x1"},
    {.name = "dim",
     .kind = SC_DIM,
     .optional = true,
     .doc = "the dimension of x1 along which the vectors lie, gone from the result (default: the second, of a "
            "vector its only one)"},
    {.name = "eps",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1e-8,
     .doc = "what a length counts at least"},
};
enum { DIM, EPS };

static ScStatus check(ScCall *c) {
   for (int i = 0; i < 2; i++) {
      SC_TRY(sc_want_float(c, i));
      if (c->in[i]->rank == 0)
         return sc_fail(SC_EARG, "%s: argument '%s': expected at least 1 dimension, found a scalar",
                        c->op->name, sc_input_name(c, i));
   }
   return c->attr[EPS].f >= 0
              ? SC_OK
              : sc_fail(SC_EARG, "%s: argument 'eps': expected a number of at least 0, found %g", c->op->name,
                        c->attr[EPS].f);
}

// Counted from the end of the shape to which both broadcast: 1 is its last.
static ScStatus find_dim(const ScCall *c, int *from_end) {
   const ScTensor *a = c->in[0], *b = c->in[1];
   int rank = a->rank > b->rank ? a->rank : b->rank, dim = (int)c->attr[DIM].i;
   if (dim != SC_NODIM && a->rank < rank)
      return sc_fail(
          SC_EARG,
          "%s: argument 'dim': it is one of x1, which has fewer dimensions than x2, %s and %s; give the "
          "other first",
          c->op->name, sc_shape_text(a), sc_shape_text(b));
   *from_end = rank - (dim != SC_NODIM ? dim : rank > 1);
   int64_t na = *from_end > a->rank ? 0 : a->shape[a->rank - *from_end];
   int64_t nb = *from_end > b->rank ? 0 : b->shape[b->rank - *from_end];
   if (na == nb) return SC_OK; // they are not both 0
   return sc_fail(SC_EARG, "%s: expected vectors of one size along dimension -%d, found shapes %s and %s",
                  c->op->name, *from_end, sc_shape_text(a), sc_shape_text(b));
}

static ScStatus convert(ScTensor *x, ScDtype dtype, ScTensor **out) {
   if (x->dtype != dtype) return sc_apply(out, "to", 1, &x, &(ScAttr){.i = dtype}, 1);
   *out = sc_tensor_retain(x);
   return SC_OK;
}

// Of f32 at least, because a half loses too much of each product.
static ScStatus unit(const ScCall *c, int input, int from_end, ScTensor **out) {
   ScTensor *x = c->in[input], *wide;
   ScAttr attr[] = {{.f = 2}, {.i = x->rank - from_end}, {.f = c->attr[EPS].f}};
   SC_TRY(convert(x, sc_wide_dtype(x->dtype), &wide));
   ScStatus status = sc_apply(out, "normalize", 1, &wide, attr, 3);
   sc_tensor_release(wide);
   return status;
}

static ScStatus products(ScTensor *const units[2], int from_end, ScTensor **out) {
   ScTensor *product;
   SC_TRY(sc_apply(&product, "mul", 2, units, NULL, 0));
   ScAttr dim = {.ints = {.n = 1, .v = {product->rank - from_end}}};
   ScStatus status = sc_apply(out, "sum", 1, &product, &dim, 1);
   sc_tensor_release(product);
   return status;
}

static ScStatus similarity(const ScCall *c, int from_end, ScTensor **out) {
   ScTensor *units[2] = {NULL, NULL};
   ScStatus status = unit(c, 0, from_end, &units[0]);
   if (status == SC_OK) status = unit(c, 1, from_end, &units[1]);
   if (status == SC_OK) status = products(units, from_end, out);
   sc_tensor_release_all(2, units);
   return status;
}

static ScStatus forward(ScCall *c) {
   int from_end;
   SC_TRY(check(c));
   SC_TRY(sc_describe_broadcast(c, c->in[0]->dtype)); // for its word on shapes
   sc_tensor_release_all(1, c->out);
   c->nout = 0;
   SC_TRY(find_dim(c, &from_end));
   ScTensor *wide;
   SC_TRY(similarity(c, from_end, &wide));
   ScStatus status = convert(wide, c->in[0]->dtype, &c->out[0]);
   sc_tensor_release(wide);
   if (status == SC_OK) c->nout = 1;
   return status;
}

SC_OP(cosine_similarity,
      .doc = "The sum of x1 * x2 along one dimension over both lengths, each of which counts as eps at least: "
             "from -1 to 1, with NumPy's broadcasting of the other dimensions. A vector of zeros is similar to "
             "nothing, 0.",
      SC_PARAMS(params), .differentiable = true, .promote = true, .autocast = SC_CAST_WIDE, .forward = forward)
