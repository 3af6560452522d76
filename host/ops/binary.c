// Arithmetic on two operands with broadcasting: add, sub, mul, div, pow, maximum, minimum. Whole numbers are
// exact, and end at the ends of their range (u8: 0 and 255).
#include "host/core/dispatch.h"
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

// An operand of a sum that was not stretched has the gradient of the result, without a copy. Says which those
// are of the first `n` operands, and leaves the rest to the kernel.
static ScStatus share_gradient(ScCall *c, int n) {
   ScTensor *g = c->grad_out[0];
   bool wanted[2] = {c->needs_grad[0], c->needs_grad[1]}, shares[2];
   for (int i = 0; i < 2; i++) {
      shares[i] = i < n && wanted[i] && sc_same_shape(c->in[i], g);
      c->needs_grad[i] = wanted[i] && !shares[i];
   }
   ScStatus status = c->needs_grad[0] || c->needs_grad[1] ? sc_run_backward_kernel(c) : SC_OK;
   for (int i = 0; i < 2; i++) {
      c->needs_grad[i] = wanted[i];
      if (status == SC_OK && shares[i]) status = sc_tensor_alias(&c->grad_in[i], g, g->rank, g->shape);
   }
   return status;
}

static ScStatus backward_add(ScCall *c) {
   return share_gradient(c, 2);
}
static ScStatus backward_sub(ScCall *c) {
   return share_gradient(c, 1);
}

enum { NO_VALUES = 0, BOTH = 3 };

#define BINARY(name, text, keep, check, ...)                                                                   \
   SC_OP(name, .doc = text, SC_PARAMS(operands), .differentiable = true, .promote = true, .keep_in = keep,     \
         .infer = check, __VA_ARGS__)

#define SATURATES " Integers saturate: of u8, 200 + 100 is 255 and 1 - 2 is 0."

BINARY(add, "a + b, element by element, with NumPy's broadcasting." SATURATES, NO_VALUES, infer,
       .backward = backward_add)
BINARY(sub, "a - b, element by element, with NumPy's broadcasting." SATURATES, NO_VALUES, infer,
       .backward = backward_sub)
BINARY(mul, "a * b, element by element, with NumPy's broadcasting." SATURATES, BOTH, infer)
BINARY(div, "a / b, element by element, with NumPy's broadcasting; floating point only.", BOTH, infer_float)
BINARY(pow, "a to the power b, element by element, with NumPy's broadcasting; floating point only.", BOTH,
       infer_float, .autocast = SC_CAST_WIDE)
BINARY(maximum, "The larger of a and b; where equal, each gets half the gradient.", BOTH, infer)
BINARY(minimum, "The smaller of a and b; where equal, each gets half the gradient.", BOTH, infer)
