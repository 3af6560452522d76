// Dimensions from the last to the first.
#include "host/ops/flip.h"

#include "host/core/call.h"
#include "host/ops/dims.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dims",
     .kind = SC_INTS,
     .doc = "the dimensions that are turned round; negative ones count from the end"},
};
enum { DIMS };

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_dims(c, DIMS, "dims"));
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

ScRemap sc_flip_map(const ScCall *c) {
   ScRemap m = sc_identity_map(c->in[0]);
   for (int i = 0; i < c->attr[DIMS].ints.n; i++) m.dim[c->attr[DIMS].ints.v[i] - 1].kind = SC_MAP_FLIP;
   return m;
}

static ScStatus backward(ScCall *c) {
   return sc_apply(&c->grad_in[0], "flip", 1, c->grad_out, c->attr, 1);
}

SC_OP(flip, .doc = "x with the order of its entries turned round in some dimensions: flip(-1) mirrors photos.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .backward = backward)
