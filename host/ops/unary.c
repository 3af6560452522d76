// Functions of each element alone: neg, abs, relu, relu6, exp, log, sqrt, sigmoid, tanh, silu.
#include "host/core/call.h"
#include "host/core/op.h"

static const ScParam params[] = {{.name = "x", .kind = SC_TENSOR, .doc = "any shape"}};

static ScStatus infer(ScCall *c) {
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

static ScStatus infer_float(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   return infer(c);
}

static ScStatus infer_signed(ScCall *c) {
   if (c->in[0]->dtype == SC_U8)
      return sc_fail(SC_EARG, "%s: argument 'x': u8 has no negative numbers; convert it with :to('i64')",
                     c->op->name);
   return infer(c);
}

static ScStatus negate_gradient(ScCall *c) {
   return sc_apply(&c->grad_in[0], "neg", 1, c->grad_out, NULL, 0);
}

// What the derivative is computed from.
#define BY_INPUT  .keep_in = 1
#define BY_OUTPUT .keep_out = 1

#define UNARY(name, text, check, ...)                                                                          \
   SC_OP(name, .doc = text, SC_PARAMS(params), .differentiable = true, .infer = check, __VA_ARGS__)

UNARY(neg, "-x.", infer_signed, .backward = negate_gradient)
UNARY(abs, "The magnitude of x; its gradient at 0 is 0.", infer, BY_INPUT)
UNARY(relu, "max(x, 0).", infer, BY_OUTPUT)
UNARY(relu6, "min(max(x, 0), 6).", infer, BY_OUTPUT)
UNARY(exp, "e to the power x.", infer_float, BY_OUTPUT, .autocast = SC_CAST_WIDE)
UNARY(log, "The natural logarithm of x.", infer_float, BY_INPUT, .autocast = SC_CAST_WIDE)
UNARY(sqrt, "The square root of x.", infer_float, BY_OUTPUT)
UNARY(sigmoid, "1 / (1 + exp(-x)).", infer_float, BY_OUTPUT)
UNARY(tanh, "The hyperbolic tangent of x.", infer_float, BY_OUTPUT)
UNARY(silu, "x * sigmoid(x), also called swish.", infer_float, BY_INPUT)
