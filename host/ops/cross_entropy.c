// Cross entropy between logits and classes or probabilities, as torch.nn.functional.cross_entropy defines it.
#include "host/ops/cross_entropy.h"

#include "host/core/width.h"
#include "host/ops/classes.h"

static const ScParam params[] = {
    {.name = "logits", .kind = SC_TENSOR, .doc = "(N, C), floating point"},
    {.name = "targets",
     .kind = SC_TENSOR,
     .doc = "i64 (N): classes 1..C, or floating point (N, C): probabilities"},
    {.name = "label_smoothing",
     .kind = SC_NUMBER,
     .optional = true,
     .doc = "share of the target that is spread over all classes, 0 to 1"},
    {.name = "reduction",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = "mean|sum|none",
     .doc = "over the N samples"},
};

static ScStatus check_targets(ScCall *c) {
   const ScTensor *logits = c->in[SC_CE_LOGITS], *targets = c->in[SC_CE_TARGETS];
   if (sc_dtype_is_float(targets->dtype)) {
      if (!sc_same_shape(logits, targets))
         return sc_fail(SC_EARG,
                        "cross_entropy: argument 'targets': expected probabilities of shape %s, found %s",
                        sc_shape_text(logits), sc_shape_text(targets));
      return sc_promote(c, 0);
   }
   if (targets->rank != 1 || targets->shape[0] != logits->shape[0])
      return sc_fail(SC_EARG,
                     "cross_entropy: argument 'targets': expected shape (%lld), one class for each row of the "
                     "logits %s, found %s",
                     (long long)logits->shape[0], sc_shape_text(logits), sc_shape_text(targets));
   return sc_want_numbers(c, SC_CE_TARGETS, logits->shape[1], "classes");
}

static ScStatus infer(ScCall *c) {
   double smoothing = c->attr[SC_CE_SMOOTHING].f;
   SC_TRY(sc_want_float(c, SC_CE_LOGITS));
   SC_TRY(sc_want_rank(c, SC_CE_LOGITS, 2));
   if (!(smoothing >= 0 && smoothing <= 1))
      return sc_fail(SC_EARG, "cross_entropy: argument 'label_smoothing': expected 0 to 1, found %g",
                     smoothing);
   SC_TRY(check_targets(c));
   const ScTensor *logits = c->in[SC_CE_LOGITS];
   SC_TRY(sc_describe(c, 0, logits->dtype, c->attr[SC_CE_REDUCTION].i == SC_CE_NONE, logits->shape));
   return sc_describe_saved(c, 0, sc_wide_dtype(logits->dtype), 2, logits->shape);
}

SC_OP(cross_entropy,
      .doc = "-sum(q * log_softmax(logits)) over the classes, where q is the target with label smoothing s: "
             "(1 - s) * target + s / C. Also differentiable by targets that are probabilities.",
      SC_PARAMS(params), .differentiable = true, .autocast = SC_CAST_WIDE, .keep_in = 1u << SC_CE_TARGETS,
      .infer = infer)
