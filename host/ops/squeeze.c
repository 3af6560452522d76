// Dimensions of size 1 that go and come: squeeze, unsqueeze.
#include "host/core/call.h"
#include "host/core/op.h"
#include "host/ops/dims.h"

static const ScParam squeeze_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dims",
     .kind = SC_INTS,
     .optional = true,
     .doc = "dimensions that go where their size is 1 (default: all such); negative ones count from the end"},
};

static ScStatus squeeze(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAttr shape = {.ints.n = 0}, *dims = &c->attr[0];
   SC_TRY(sc_want_dims(c, 0, "dims"));
   bool goes[SC_MAXRANK] = {false};
   for (int i = 0; i < dims->ints.n; i++) goes[dims->ints.v[i] - 1] = true;
   for (int i = 0; i < x->rank; i++)
      if (x->shape[i] > 1 || (dims->ints.n > 0 && !goes[i])) shape.ints.v[shape.ints.n++] = x->shape[i];
   c->nout = 1;
   return sc_apply(&c->out[0], "reshape", 1, c->in, &shape, 1);
}

SC_OP(squeeze,
      .doc = "x without its dimensions of size 1, or without those of the given ones that have size 1: "
             "squeeze(2) makes (5, 1, 3) a (5, 3). Dimensions of another size stay.",
      SC_PARAMS(squeeze_params), .forward = squeeze)

static const ScParam unsqueeze_params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dim",
     .kind = SC_INT,
     .doc = "where the new one is in the result: 1 is before all others, -1 last"},
};

static ScStatus unsqueeze(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t dim = c->attr[0].i, at = dim < 0 ? dim + x->rank + 1 : dim - 1;
   if (x->rank == SC_MAXRANK)
      return sc_fail(SC_EARG, "unsqueeze: shape %s has %d dimensions, the most there can be", sc_shape_text(x),
                     SC_MAXRANK);
   if (at < 0 || at > x->rank)
      return sc_fail(SC_EARG,
                     "unsqueeze: argument 'dim': expected 1 to %d (or -1 to -%d) for shape %s, found %lld",
                     x->rank + 1, x->rank + 1, sc_shape_text(x), (long long)dim);
   ScAttr shape = {.ints.n = x->rank + 1};
   for (int i = 0; i <= x->rank; i++) shape.ints.v[i] = i == at ? 1 : x->shape[i < at ? i : i - 1];
   c->nout = 1;
   return sc_apply(&c->out[0], "reshape", 1, c->in, &shape, 1);
}

SC_OP(unsqueeze,
      .doc = "x with one more dimension, of size 1: unsqueeze(1) makes a photo (C, H, W) a batch of one.",
      SC_PARAMS(unsqueeze_params), .forward = unsqueeze)
