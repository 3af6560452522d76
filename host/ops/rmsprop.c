// RMSprop: one step of a parameter group, in place, as torch.optim.RMSprop does it.
#include "host/ops/rmsprop.h"

#include "host/ops/group.h"

static const ScParam params[] = {
    {.name = "params", .kind = SC_TENSORS, .doc = "the parameters p, written"},
    {.name = "grads", .kind = SC_TENSORS, .doc = "their gradients g"},
    {.name = "square_avg",
     .kind = SC_TENSORS,
     .doc = "running means v of g * g, written; zeros before the first step"},
    {.name = "momenta",
     .kind = SC_TENSORS,
     .optional = true,
     .doc = "momentum buffers b, written; needed with momentum"},
    {.name = "grad_avg",
     .kind = SC_TENSORS,
     .optional = true,
     .doc = "running means m of g, written; given, the step is the centered one"},
    SC_FOUND_INF_PARAM,
    {.name = "lr", .kind = SC_NUMBER, .doc = "learning rate"},
    {.name = "alpha", .kind = SC_NUMBER, .optional = true, .preset = 0.99, .doc = "share of v that stays"},
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-8, .doc = "added to the root of v"},
    {.name = "momentum", .kind = SC_NUMBER, .optional = true, .doc = "share of the buffer that stays"},
    {.name = "weight_decay", .kind = SC_NUMBER, .optional = true, .doc = "times p, is added to g"},
};

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_group(c, SC_RMSPROP_LISTS));
   SC_TRY(sc_want_number(c, SC_RMSPROP_FOUND_INF));
   double alpha = c->attr[SC_RMSPROP_ALPHA].f, momentum = c->attr[SC_RMSPROP_MOMENTUM].f;
   if (!(alpha >= 0 && alpha <= 1))
      return sc_fail(SC_EARG, "rmsprop_step: argument 'alpha': expected 0 to 1, found %g", alpha);
   if (momentum != 0 && !sc_group_at(c, SC_RMSPROP_MOMENTA, 0))
      return sc_fail(SC_EARG,
                     "rmsprop_step: argument 'momenta': expected one buffer for each parameter, because "
                     "momentum is %g",
                     momentum);
   return SC_OK;
}

SC_OP(rmsprop_step,
      .doc =
          "g += weight_decay * p; v = alpha * v + (1 - alpha) * g * g; with grad_avg m = alpha * m + (1 - "
          "alpha) * g and v - m * m in place of v; u = g / (sqrt(v) + eps); with momentum b = momentum * b + "
          "u, p -= lr * b, else p -= lr * u. In place.",
      SC_PARAMS(params),
      .in_place = 1u << SC_RMSPROP_PARAMS | 1u << SC_RMSPROP_SQUARE | 1u << SC_RMSPROP_MOMENTA |
                  1u << SC_RMSPROP_MEANS,
      .no_method = true, .infer = infer)
