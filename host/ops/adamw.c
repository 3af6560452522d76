// Adam and AdamW: one step of a parameter group, in place, as torch.optim.Adam and AdamW do it.
#include "host/ops/adamw.h"

#include "host/ops/group.h"

static const ScParam params[] = {
    {.name = "params", .kind = SC_TENSORS, .doc = "the parameters p, written"},
    {.name = "grads", .kind = SC_TENSORS, .doc = "their gradients g"},
    {.name = "exp_avg",
     .kind = SC_TENSORS,
     .doc = "running means m of g, written; zeros before the first step"},
    {.name = "exp_avg_sq",
     .kind = SC_TENSORS,
     .doc = "running means v of g * g, written; zeros before the first step"},
    SC_FOUND_INF_PARAM,
    {.name = "lr", .kind = SC_NUMBER, .doc = "learning rate"},
    {.name = "beta1", .kind = SC_NUMBER, .optional = true, .preset = 0.9, .doc = "share of m that stays"},
    {.name = "beta2", .kind = SC_NUMBER, .optional = true, .preset = 0.999, .doc = "share of v that stays"},
    {.name = "eps", .kind = SC_NUMBER, .optional = true, .preset = 1e-8, .doc = "added to the root of v"},
    {.name = "weight_decay", .kind = SC_NUMBER, .optional = true, .doc = "decay of p"},
    {.name = "step", .kind = SC_INT, .doc = "number of this step, from 1"},
    {.name = "decoupled",
     .kind = SC_BOOL,
     .optional = true,
     .preset = 1,
     .doc = "true: AdamW, p decays by itself (default); false: Adam, the decay is part of g"},
};

static ScStatus want_share(const ScCall *c, int attr, const char *name) {
   double value = c->attr[attr].f;
   if (value >= 0 && value < 1) return SC_OK;
   return sc_fail(SC_EARG, "adamw_step: argument '%s': expected at least 0 and less than 1, found %g", name,
                  value);
}

static ScStatus infer(ScCall *c) {
   SC_TRY(sc_want_group(c, SC_ADAMW_LISTS));
   SC_TRY(sc_want_number(c, SC_ADAMW_FOUND_INF));
   SC_TRY(want_share(c, SC_ADAMW_BETA1, "beta1"));
   SC_TRY(want_share(c, SC_ADAMW_BETA2, "beta2"));
   if (c->attr[SC_ADAMW_STEP].i < 1)
      return sc_fail(SC_EARG, "adamw_step: argument 'step': expected at least 1, found %lld",
                     (long long)c->attr[SC_ADAMW_STEP].i);
   return SC_OK;
}

SC_OP(adamw_step,
      .doc = "Decay: p *= 1 - lr * weight_decay (decoupled) or g += weight_decay * p. Then m = beta1 * m + (1 "
             "- beta1) * g; "
             "v = beta2 * v + (1 - beta2) * g * g; p -= lr / (1 - beta1^step) * m / (sqrt(v / (1 - "
             "beta2^step)) + eps). "
             "In place.",
      SC_PARAMS(params), .in_place = 1u << SC_ADAMW_PARAMS | 1u << SC_ADAMW_EXP_AVG | 1u << SC_ADAMW_EXP_AVG_SQ,
      .no_method = true, .infer = infer)
