// Arithmetic on two operands with broadcasting: add, sub, mul, div, pow, maximum, minimum.
#include "host/ops/broadcast.h"

static const ScParam operands[] = {
   {.name = "a", .kind = SC_OPERAND, .doc = "left operand, any shape"},
   {.name = "b", .kind = SC_OPERAND, .doc = "right operand, of a shape that broadcasts with a's"},
};

static ScStatus infer(ScCall *c) {
   return sc_describe_broadcast(c, c->in[0]->dtype);
}

static ScStatus infer_float(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   return infer(c);
}

enum { NO_VALUES = 0, BOTH = 3 };

#define BINARY(name, text, keep, check)                                                                      \
   SC_OP(name, .doc = text, SC_PARAMS(operands), .differentiable = true, .promote = true, .keep_in = keep,   \
         .infer = check)

BINARY(add, "a + b, element by element, with NumPy's broadcasting.", NO_VALUES, infer)
BINARY(sub, "a - b, element by element, with NumPy's broadcasting.", NO_VALUES, infer)
BINARY(mul, "a * b, element by element, with NumPy's broadcasting.", BOTH, infer)
BINARY(div, "a / b, element by element, with NumPy's broadcasting; floating point only.", BOTH, infer_float)
BINARY(pow, "a to the power b, element by element, with NumPy's broadcasting; floating point only.", BOTH, infer_float)
BINARY(maximum, "The larger of a and b; where equal, each gets half the gradient.", BOTH, infer)
BINARY(minimum, "The smaller of a and b; where equal, each gets half the gradient.", BOTH, infer)
