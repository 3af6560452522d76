// Conversion of the element type.
#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/halves.h"
#include "host/core/op.h"
#include "host/core/redo.h"
#include "host/ops/to.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "dtype", .kind = SC_DTYPE, .doc = "the dtype wanted"},
};

static ScStatus infer(ScCall *c) {
   return sc_describe(c, 0, (ScDtype)c->attr[SC_TO_DTYPE].i, c->in[0]->rank, c->in[0]->shape);
}

// Of a parameter, which is there anyway, the copy need not be kept.
static ScStatus forward(ScCall *c) {
   c->redoes = !c->in[0]->node && sc_may_redo(c);
   if (!c->redoes) c->keep_in = 0;
   const ScTensor *half = sc_half_of(c->in[0], c->out[0]->dtype);
   if (!half) return sc_run_kernel(c);
   c->out[0]->buffer = sc_buffer_retain(half->buffer);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   if (!c->needs_grad[0]) return SC_OK;
   ScAttr attr = {.i = c->in[0]->dtype};
   return sc_apply(&c->grad_in[0], "to", 1, &c->grad_out[0], &attr, 1);
}

static ScStatus redo(const ScCall *c, ScTensor **out) {
   return sc_apply(out, "to", 1, c->in, c->attr, 1);
}

SC_OP(to, .doc = "x converted to another dtype: integers truncate and saturate, halves round to nearest even.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .no_method = true, .keep_in = 1,
      .infer = infer, .forward = forward, .backward = backward, .redo = redo)
