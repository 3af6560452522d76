// What is done to all gradients at once between backward and the optimizer, and to all weights after it.
#include "host/ops/gradients.h"

#include "host/ops/group.h"

// ---- the norm ----

static const ScParam norm_params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "floating point, any shapes"},
};

static ScStatus infer_norm(ScCall *c) {
   SC_TRY(sc_want_float(c, 0));
   for (int i = 1; i < c->count[0]; i++)
      if (c->in[i]->dtype != c->in[0]->dtype)
         return sc_fail(SC_EARG, "list_norm: argument 'tensors': number %d: expected %s, found %s", i + 1,
                        sc_dtype_name(c->in[0]->dtype), sc_dtype_name(c->in[i]->dtype));
   return sc_describe(c, 0, c->in[0]->dtype, 0, NULL);
}

SC_OP(list_norm,
      .doc = "The L2 norm of all entries of all tensors together: sqrt(sum(t^2)), summed in a fixed order.",
      SC_PARAMS(norm_params), .no_method = true, .infer = infer_norm)

// ---- scaling ----

static const ScParam scale_params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "floating point, written"},
    {.name = "factor", .kind = SC_NUMBER, .doc = "what every entry is multiplied with"},
};

static ScStatus infer_list(ScCall *c) {
   return sc_want_group(c, 1);
}

SC_OP(list_scale, .doc = "t *= factor for every tensor of a list. In place.", SC_PARAMS(scale_params),
      .in_place = 1u, .no_method = true, .infer = infer_list)

// ---- clipping by the norm ----

static const ScParam clip_params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "floating point, written"},
    {.name = "norm", .kind = SC_TENSOR, .doc = "one number of their dtype: what list_norm found"},
    {.name = "limit", .kind = SC_NUMBER, .doc = "at least 0"},
};

static ScStatus infer_clip(ScCall *c) {
   if (!(c->attr[0].f >= 0))
      return sc_fail(SC_EARG, "list_clip: argument 'limit': expected at least 0, found %g", c->attr[0].f);
   SC_TRY(sc_want_group(c, 1));
   return sc_want_number(c, SC_CLIP_NORM);
}

SC_OP(list_clip,
      .doc = "t *= limit / (norm + 1e-6) for every tensor of a list, where that is below 1 "
             "(torch.nn.utils.clip_grad_norm_). In place.",
      SC_PARAMS(clip_params), .in_place = 1u << SC_CLIP_TENSORS, .no_method = true, .infer = infer_clip)

// ---- clamping ----

static const ScParam clamp_params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "floating point, written"},
    {.name = "limit", .kind = SC_NUMBER, .doc = "at least 0"},
};

static ScStatus infer_clamp(ScCall *c) {
   if (!(c->attr[0].f >= 0))
      return sc_fail(SC_EARG, "list_clamp: argument 'limit': expected at least 0, found %g", c->attr[0].f);
   return sc_want_group(c, 1);
}

SC_OP(list_clamp, .doc = "Every entry is brought into -limit to limit. A NaN stays one. In place.",
      SC_PARAMS(clamp_params), .in_place = 1u, .no_method = true, .infer = infer_clamp)

// ---- averaging ----

static const ScParam average_params[] = {
    {.name = "averages", .kind = SC_TENSORS, .doc = "floating point, written"},
    {.name = "values", .kind = SC_TENSORS, .doc = "what is taken in, of the same shapes"},
    SC_FOUND_INF_PARAM,
    {.name = "decay", .kind = SC_NUMBER, .doc = "share of the average that stays, 0 to 1"},
};

static ScStatus infer_average(ScCall *c) {
   double decay = c->attr[0].f;
   if (!(decay >= 0 && decay <= 1))
      return sc_fail(SC_EARG, "average_step: argument 'decay': expected 0 to 1, found %g", decay);
   SC_TRY(sc_want_group(c, SC_AVERAGE_LISTS));
   return sc_want_number(c, SC_AVERAGE_FOUND_INF);
}

SC_OP(average_step, .doc = "a += (1 - decay) * (v - a) for every average a and its value v. In place.",
      SC_PARAMS(average_params), .in_place = 1u << SC_AVERAGE_AVERAGES, .no_method = true,
      .infer = infer_average)
