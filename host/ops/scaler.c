// Dynamic loss scaling for float16 (Micikevicius et al. 2018): the loss is multiplied by a scale before
// backward, so that small gradients do not vanish; where one overflows, the step is left out and the scale
// halved.
#include "host/ops/scaler.h"

#include "host/ops/group.h"

static const ScParam unscale_params[] = {
    {.name = "grads", .kind = SC_TENSORS, .doc = "gradients of the scaled loss, written"},
    {.name = "scale", .kind = SC_TENSOR, .doc = "one number of the gradients' dtype: what they are divided by"},
    {.name = "found_inf",
     .kind = SC_TENSOR,
     .doc = "one number of that dtype, written: 1 if an entry of the result is infinite or NaN, else 0"},
};

static ScStatus infer_unscale(ScCall *c) {
   SC_TRY(sc_want_group(c, 1));
   SC_TRY(sc_want_number(c, SC_UNSCALE_SCALE));
   return sc_want_number(c, SC_UNSCALE_FOUND_INF);
}

SC_OP(unscale_,
      .doc = "g *= 1 / scale for every gradient g of a list; found_inf becomes 1 where any entry is then not "
             "finite, else 0. In place.",
      SC_PARAMS(unscale_params), .in_place = 1u << SC_UNSCALE_GRADS | 1u << SC_UNSCALE_FOUND_INF,
      .no_method = true, .infer = infer_unscale)

// ---- the scale's own step ----

static const ScParam update_params[] = {
    {.name = "scale", .kind = SC_TENSOR, .doc = "one number, written"},
    {.name = "good_steps",
     .kind = SC_TENSOR,
     .doc = "one number, written: steps without overflow since the scale last changed"},
    {.name = "skipped", .kind = SC_TENSOR, .doc = "one number, written: steps that were left out so far"},
    {.name = "found_inf", .kind = SC_TENSOR, .doc = "one number: what unscale_ found"},
    {.name = "growth", .kind = SC_NUMBER, .optional = true, .preset = 2, .doc = "factor after good steps"},
    {.name = "backoff", .kind = SC_NUMBER, .optional = true, .preset = 0.5, .doc = "factor after an overflow"},
    {.name = "interval",
     .kind = SC_INT,
     .optional = true,
     .preset = 2000,
     .doc = "good steps after which the scale grows"},
};

static ScStatus infer_update(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   for (int i = 0; i < SC_SCALER_INPUTS; i++) SC_TRY(sc_want_number(c, i));
   if (c->attr[SC_SCALER_INTERVAL].i < 1)
      return sc_fail(SC_EARG, "scale_update_: argument 'interval': expected at least 1, found %lld",
                     (long long)c->attr[SC_SCALER_INTERVAL].i);
   return SC_OK;
}

SC_OP(scale_update_,
      .doc = "After a step with found_inf not 0: scale *= backoff, good_steps = 0, skipped += 1. After a good "
             "one: good_steps += 1, and once that is `interval`: scale *= growth (unless that overflows), "
             "good_steps = 0. In place.",
      SC_PARAMS(update_params),
      .in_place = 1u << SC_SCALER_SCALE | 1u << SC_SCALER_GOOD_STEPS | 1u << SC_SCALER_SKIPPED,
      .no_method = true, .infer = infer_update)
