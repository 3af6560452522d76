// Dropout. The mask is never stored: backward draws it again from the same counters.
#include "host/ops/dropout.h"

#include "host/core/dispatch.h"
#include "host/core/op.h"
#include "host/core/rng.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape, floating point"},
    {.name = "p",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 0.5,
     .doc = "probability that an element becomes 0"},
    {.name = "training",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "false: x as it is (default true)"},
};

static ScStatus infer(ScCall *c) {
   double p = c->attr[SC_DROPOUT_P].f;
   SC_TRY(sc_want_float(c, 0));
   if (!(p >= 0 && p <= 1)) return sc_fail(SC_EARG, "dropout: argument 'p': expected 0 to 1, found %g", p);
   return sc_describe(c, 0, c->in[0]->dtype, c->in[0]->rank, c->in[0]->shape);
}

static bool is_active(const ScCall *c) {
   return c->attr[SC_DROPOUT_TRAINING].i && c->attr[SC_DROPOUT_P].f > 0;
}

static ScStatus forward(ScCall *c) {
   if (!is_active(c)) {
      c->out[0]->buffer = sc_buffer_retain(c->in[0]->buffer);
      return SC_OK;
   }
   c->attr[SC_DROPOUT_SEED].i = (int64_t)sc_rng()->seed;
   c->attr[SC_DROPOUT_STREAM].i = (int64_t)sc_rng()->next_stream;
   return sc_run_kernel(c);
}

// Only now, so that a retry after SC_EMEM draws the same mask.
static ScStatus use_stream(ScCall *c) {
   if (is_active(c)) sc_rng_stream();
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   if (is_active(c)) return sc_run_backward_kernel(c);
   return sc_tensor_alias(&c->grad_in[0], c->grad_out[0], c->grad_out[0]->rank, c->grad_out[0]->shape);
}

SC_OP(dropout, .doc = "While training, each element is 0 with probability p and otherwise x / (1 - p).",
      SC_PARAMS(params), .differentiable = true, .infer = infer, .forward = forward, .commit = use_stream,
      .backward = backward)
