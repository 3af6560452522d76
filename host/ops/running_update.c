// What batch norm does to its running statistics after a batch; an op of its own so that they stay on their
// device.
#include "host/ops/running_update.h"

#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "running_mean", .kind = SC_TENSOR, .doc = "(C), floating point, written"},
    {.name = "running_var", .kind = SC_TENSOR, .doc = "(C), written"},
    {.name = "batch_mean", .kind = SC_TENSOR, .doc = "(C)"},
    {.name = "batch_var", .kind = SC_TENSOR, .doc = "(C), biased"},
    {.name = "momentum", .kind = SC_NUMBER, .optional = true, .preset = 0.1, .doc = "weight of the batch"},
    {.name = "unbias",
     .kind = SC_NUMBER,
     .optional = true,
     .preset = 1,
     .doc = "what makes batch_var unbiased: n / (n - 1) for n values a channel"},
};

static ScStatus infer(ScCall *c) {
   const ScTensor *first = c->in[SC_RUNNING_MEAN];
   SC_TRY(sc_want_float(c, SC_RUNNING_MEAN));
   for (int i = SC_RUNNING_VAR; i < SC_RUNNING_INPUTS; i++)
      if (!sc_same_shape(first, c->in[i]) || first->dtype != c->in[i]->dtype)
         return sc_fail(SC_EARG, "running_update: argument '%s': expected %s %s as running_mean, found %s %s",
                        sc_input_name(c, i), sc_dtype_name(first->dtype), sc_shape_text(first),
                        sc_dtype_name(c->in[i]->dtype), sc_shape_text(c->in[i]));
   return SC_OK;
}

SC_OP(running_update,
      .doc = "running_mean = (1 - momentum) * running_mean + momentum * batch_mean; running_var likewise, "
             "towards unbias * batch_var. In place.",
      SC_PARAMS(params), .in_place = 1u << SC_RUNNING_MEAN | 1u << SC_RUNNING_VAR, .no_method = true,
      .infer = infer)
