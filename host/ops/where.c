// A choice between two operands, element by element.
#include "host/core/width.h"
#include "host/ops/broadcast.h"

static const ScParam params[] = {
    {.name = "condition", .kind = SC_TENSOR, .doc = "u8, as comparisons give it"},
    {.name = "a", .kind = SC_OPERAND, .doc = "taken where the condition is not 0"},
    {.name = "b", .kind = SC_OPERAND, .doc = "taken where it is 0"},
};

static ScStatus infer(ScCall *c) {
   if (c->in[0]->dtype != SC_U8)
      return sc_fail(SC_EARG, "where: argument 'condition': expected u8, found %s; compare it, as in x:ne(0)",
                     sc_dtype_name(c->in[0]->dtype));
   SC_TRY(sc_promote(c, 1));
   return sc_describe_broadcast(c, c->in[1]->dtype);
}

SC_OP(where, .doc = "a where the condition holds, else b; the three shapes broadcast as in NumPy.",
      SC_PARAMS(params), .differentiable = true, .keep_in = 1, .infer = infer)
