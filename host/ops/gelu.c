// The Gaussian error linear unit (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).
#include "host/ops/gelu.h"

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/redo.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape"},
    {.name = "approximate",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = "none|tanh",
     .doc = "none: with erf; tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))"},
};

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

// On the host the result is computed again when backward wants it: it is as large as x, which is kept anyway,
// and in a network the widest there is.
static ScStatus forward(ScCall *c) {
   c->redoes = sc_would_redo(c);
   return sc_run_kernel(c);
}

static ScStatus redo(const ScCall *c, ScTensor **out) {
   return sc_apply(out, "gelu", 1, c->in, c->attr, 1);
}

SC_OP(gelu,
      .doc = "x / 2 * (1 + erf(x / sqrt(2))): x times the probability that a normal number is smaller "
             "(Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415).",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .keep_in = 1, .forward = forward, .redo = redo)
