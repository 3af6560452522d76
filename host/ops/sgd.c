// Stochastic gradient descent with momentum: one step of a parameter group, in place, as torch.optim.SGD does
// it.
#include "host/ops/sgd.h"

#include "host/ops/group.h"

static const ScParam params[] = {
    {.name = "params", .kind = SC_TENSORS, .doc = "the parameters p, written"},
    {.name = "grads", .kind = SC_TENSORS, .doc = "their gradients g"},
    {.name = "momenta",
     .kind = SC_TENSORS,
     .optional = true,
     .doc = "their momentum buffers v, written; needed with momentum"},
    SC_FOUND_INF_PARAM,
    {.name = "lr", .kind = SC_NUMBER, .doc = "learning rate"},
    {.name = "momentum", .kind = SC_NUMBER, .optional = true, .doc = "share of the buffer that stays"},
    {.name = "weight_decay", .kind = SC_NUMBER, .optional = true, .doc = "times p, is added to g"},
    {.name = "dampening",
     .kind = SC_NUMBER,
     .optional = true,
     .doc = "share of g that is left out of the buffer"},
    {.name = "nesterov", .kind = SC_BOOL, .optional = true, .doc = "look ahead by one momentum step"},
    {.name = "first", .kind = SC_BOOL, .optional = true, .doc = "first step: the buffer becomes the gradient"},
};

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_group(c, SC_SGD_LISTS));
   SC_TRY(sc_want_number(c, SC_SGD_FOUND_INF));
   double momentum = c->attr[SC_SGD_MOMENTUM].f;
   if (momentum != 0 && !sc_group_at(c, SC_SGD_MOMENTA, 0))
      return sc_fail(SC_EARG,
                     "sgd_step: argument 'momenta': expected one buffer for each parameter, because momentum "
                     "is %g",
                     momentum);
   if (c->attr[SC_SGD_NESTEROV].i && (momentum <= 0 || c->attr[SC_SGD_DAMPENING].f != 0))
      return sc_fail(SC_EARG, "sgd_step: argument 'nesterov': it needs a positive momentum and no dampening");
   return SC_OK;
}

SC_OP(sgd_step,
      .doc = "g += weight_decay * p; v = momentum * v + (1 - dampening) * g (v = g in the first step); with "
             "nesterov "
             "g += momentum * v, else g = v; p -= lr * g. In place.",
      SC_PARAMS(params), .in_place = 1u << SC_SGD_PARAMS | 1u << SC_SGD_MOMENTA, .no_method = true,
      .infer = infer)
