#include "host/photo/augment_options.h"

#include <math.h>

const ScRange sc_crop_scale = {0.08, 1.0}, sc_crop_ratio = {3.0 / 4.0, 4.0 / 3.0};
const ScRange sc_erase_scale = {0.02, 0.33}, sc_erase_ratio = {0.3, 3.3};

static ScStatus check_range(const char *name, ScRange r, double low, double high) {
   if (r.low >= low && r.low <= r.high && r.high <= high) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected two numbers {low, high} within %g to %g, found {%g, %g}", name, low,
                  high, r.low, r.high);
}

static ScStatus check_probability(const char *name, double p) {
   if (p >= 0 && p <= 1) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected a probability from 0 to 1, found %g", name, p);
}

static ScStatus check_jitter(const ScAugment *a) {
   static const char *const names[SC_JITTERS] = {"color_jitter: brightness", "color_jitter: contrast",
                                                 "color_jitter: saturation", "color_jitter: hue"};
   for (int i = 0; i < SC_JITTERS; i++) {
      bool hue = i == SC_JITTER_HUE;
      if (a->jitter[i]) SC_TRY(check_range(names[i], a->jitter_range[i], hue ? -0.5 : 0, hue ? 0.5 : 100));
   }
   return SC_OK;
}

static ScStatus check_policy(const ScAugment *a) {
   const char *name = a->policy == SC_POLICY_TRIVIAL ? "trivial_augment" : "rand_augment";
   if (a->policy == SC_POLICY_NONE) return SC_OK;
   if (a->policy_bins < 2 || a->policy_bins > 1000)
      return sc_fail(SC_EARG, "%s: bins: expected 2 to 1000, found %d", name, a->policy_bins);
   if (a->policy == SC_POLICY_TRIVIAL) return SC_OK;
   if (a->policy_count < 0 || a->policy_count > 100)
      return sc_fail(SC_EARG, "%s: n: expected 0 to 100, found %d", name, a->policy_count);
   if (a->policy_magnitude < 0 || a->policy_magnitude >= a->policy_bins)
      return sc_fail(SC_EARG, "%s: magnitude: expected 0 to %d (bins - 1), found %d", name, a->policy_bins - 1,
                     a->policy_magnitude);
   return SC_OK;
}

static ScStatus check_erase(const ScAugment *a) {
   SC_TRY(check_probability("random_erasing", a->erase));
   if (a->erase == 0) return SC_OK;
   SC_TRY(check_range("random_erasing: scale", a->erase_scale, 0, 1));
   SC_TRY(check_range("random_erasing: ratio", a->erase_ratio, 1e-3, 1e3));
   for (int c = 0; c < 3; c++)
      if (!isfinite(a->erase_value[c]))
         return sc_fail(SC_EARG, "random_erasing: value: expected finite numbers, found %g", a->erase_value[c]);
   return SC_OK;
}

ScStatus sc_augment_check(const ScAugment *a) {
   if (a->crop) {
      SC_TRY(check_range("random_resized_crop: scale", a->crop_scale, 1e-6, 1));
      SC_TRY(check_range("random_resized_crop: ratio", a->crop_ratio, 1e-3, 1e3));
   }
   SC_TRY(check_probability("horizontal_flip", a->flip));
   if (a->rotate) SC_TRY(check_range("rotation", a->degrees, -360, 360));
   SC_TRY(check_jitter(a));
   SC_TRY(check_policy(a));
   return check_erase(a);
}

bool sc_augment_is_none(const ScAugment *a) {
   bool jitters = false;
   for (int i = 0; i < SC_JITTERS; i++) jitters = jitters || a->jitter[i];
   return !a->crop && a->flip == 0 && !a->rotate && !jitters && a->policy == SC_POLICY_NONE && a->erase == 0;
}
