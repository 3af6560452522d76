// Functions of each element alone, without options.
#include "host/core/call.h"
#include "host/core/op.h"
#include "host/core/transfer.h"

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

// Steps are flat wherever they have a derivative.
static ScStatus no_gradient(ScCall *c) {
   const ScTensor *x = c->in[0];
   SC_TRY(sc_tensor_new(&c->grad_in[0], c->device, x->dtype, x->rank, x->shape));
   return sc_tensor_fill(c->grad_in[0], 0);
}

// What the derivative is computed from.
#define BY_INPUT  .keep_in = 1
#define BY_OUTPUT .keep_out = 1
#define STEPS     .backward = no_gradient

#define UNARY(name, text, check, ...)                                                                          \
   SC_OP(name, .doc = text, SC_PARAMS(params), .differentiable = true, .infer = check, __VA_ARGS__)

UNARY(neg, "-x.", infer_signed, .backward = negate_gradient)
UNARY(sign, "-1, 0 or 1, as x is below, at or above 0; NaN of NaN. Its gradient is 0.", infer, STEPS)
UNARY(floor, "The largest whole number that is at most x. Its gradient is 0.", infer, STEPS)
UNARY(ceil, "The smallest whole number that is at least x. Its gradient is 0.", infer, STEPS)
UNARY(round, "The nearest whole number, halves to the even one: 2.5 to 2, 3.5 to 4. Its gradient is 0.", infer,
      STEPS)
UNARY(abs, "The magnitude of x; its gradient at 0 is 0.", infer, BY_INPUT)
UNARY(relu, "max(x, 0).", infer, BY_OUTPUT)
UNARY(relu6, "min(max(x, 0), 6).", infer, BY_OUTPUT)
UNARY(exp, "e to the power x.", infer_float, BY_OUTPUT, .autocast = SC_CAST_WIDE)
UNARY(log, "The natural logarithm of x.", infer_float, BY_INPUT, .autocast = SC_CAST_WIDE)
UNARY(log1p, "log(1 + x), exact for small x too.", infer_float, BY_INPUT, .autocast = SC_CAST_WIDE)
UNARY(sin, "The sine of x, in radians.", infer_float, BY_INPUT)
UNARY(cos, "The cosine of x, in radians.", infer_float, BY_INPUT)
UNARY(erf, "The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.", infer_float,
      BY_INPUT)
UNARY(sqrt, "The square root of x.", infer_float, BY_OUTPUT)
UNARY(sigmoid, "1 / (1 + exp(-x)).", infer_float, BY_OUTPUT)
UNARY(tanh, "The hyperbolic tangent of x.", infer_float, BY_OUTPUT)
UNARY(silu, "x * sigmoid(x), also called swish.", infer_float, BY_INPUT)
UNARY(hardsigmoid, "relu6(x + 3) / 6 (Howard et al. 2019, https://arxiv.org/abs/1905.02244).", infer_float,
      BY_INPUT)
UNARY(hardswish, "x * relu6(x + 3) / 6 (Howard et al. 2019, https://arxiv.org/abs/1905.02244).", infer_float,
      BY_INPUT)
