// Comparisons of two operands with broadcasting: eq, ne, lt, le, gt, ge.
#include "host/ops/broadcast.h"

static const ScParam operands[] = {
    {.name = "a", .kind = SC_OPERAND, .doc = "left operand, any shape"},
    {.name = "b", .kind = SC_OPERAND, .doc = "right operand, of a shape that broadcasts with a's"},
};

static ScStatus infer(ScCall *c) {
   return sc_describe_broadcast(c, SC_U8);
}

#define COMPARE(name, text)                                                                                    \
   SC_OP(name, .doc = text " element by element, with NumPy's broadcasting: 1 where it holds, else 0 (u8).",   \
         SC_PARAMS(operands), .promote = true, .infer = infer)

COMPARE(eq, "a = b")
COMPARE(ne, "a differs from b")
COMPARE(lt, "a < b")
COMPARE(le, "a <= b")
COMPARE(gt, "a > b")
COMPARE(ge, "a >= b")
