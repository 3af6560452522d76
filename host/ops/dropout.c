// Dropout. The mask is never stored: backward draws it again from the same counters.
#include "host/ops/dropout.h"

#include "host/core/dispatch.h"
#include "host/core/row_keys.h"

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
    {.name = "keys",
     .kind = SC_TENSOR,
     .optional = true,
     .doc = "(N) i64: what row n of x loses follows from its key, in whatever batch it is"},
};

static ScStatus infer(ScCall *c) {
   double p = c->attr[SC_DROPOUT_P].f;
   SC_TRY(sc_want_float(c, SC_DROPOUT_X));
   SC_TRY(sc_want_row_keys(c, SC_DROPOUT_X, SC_DROPOUT_KEYS));
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
   sc_row_keys_begin(c, SC_DROPOUT_X, SC_DROPOUT_KEYS, &c->attr[SC_DROPOUT_SEED], &c->attr[SC_DROPOUT_STREAM]);
   return sc_run_kernel(c);
}

// Only now, so that a retry after SC_EMEM draws the same mask.
static ScStatus use_stream(ScCall *c) {
   if (is_active(c)) sc_row_keys_end(c, SC_DROPOUT_KEYS);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   if (is_active(c)) return sc_run_backward_kernel(c);
   return sc_tensor_alias(&c->grad_in[0], c->grad_out[0], c->grad_out[0]->rank, c->grad_out[0]->shape);
}

SC_OP(dropout, .doc = "While training, each element is 0 with probability p and otherwise x / (1 - p).",
      SC_PARAMS(params), .differentiable = true, .keep_in = 1u << SC_DROPOUT_KEYS, .infer = infer,
      .forward = forward, .commit = use_stream, .backward = backward)
