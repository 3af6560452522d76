// Arithmetic on two operands with broadcasting: add, sub, mul, div, floor_divide, remainder, pow, maximum,
// minimum. Whole numbers are exact, and end at the ends of their range (u8: 0 and 255).
#include <stdlib.h>

#include "host/core/dispatch.h"
#include "host/core/transfer.h"
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

// Whole numbers have no infinity.
static ScStatus check_divisor(const ScCall *c) {
   const ScTensor *b = c->in[1];
   const void *content;
   void *downloaded;
   if (sc_dtype_is_float(b->dtype) || !b->buffer || !b->buffer->data) return SC_OK;
   SC_TRY(sc_tensor_content(b, &content, &downloaded));
   bool found = false;
   for (int64_t i = 0, n = sc_numel(b); i < n && !found; i++) found = sc_load(b->dtype, content, i) == 0;
   free(downloaded);
   return found ? sc_fail(SC_EARG, "%s: argument 'b': a whole number is divided by 0", c->op->name) : SC_OK;
}

static ScStatus forward_checked(ScCall *c) {
   SC_TRY(check_divisor(c));
   return sc_run_kernel(c);
}

// Steps are flat wherever they have a derivative.
static ScStatus no_gradient(ScCall *c) {
   for (int i = 0; i < 2; i++) {
      const ScTensor *x = c->in[i];
      if (!c->needs_grad[i]) continue;
      SC_TRY(sc_tensor_new(&c->grad_in[i], c->device, x->dtype, x->rank, x->shape));
      SC_TRY(sc_tensor_fill(c->grad_in[i], 0));
   }
   return SC_OK;
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
BINARY(floor_divide, "a // b: the largest whole number that is at most a / b; its gradient is 0.", NO_VALUES,
       infer, .forward = forward_checked, .backward = no_gradient)
BINARY(remainder, "a % b, with the sign of b: a - b * floor(a / b), as Lua has it.", BOTH, infer,
       .forward = forward_checked)
BINARY(pow, "a to the power b, element by element, with NumPy's broadcasting; floating point only.", BOTH,
       infer_float, .autocast = SC_CAST_WIDE)
BINARY(maximum, "The larger of a and b; where equal, each gets half the gradient.", BOTH, infer)
BINARY(minimum, "The smaller of a and b; where equal, each gets half the gradient.", BOTH, infer)
