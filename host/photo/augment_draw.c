// Each kind has random numbers of its own, so that switching one on or off moves no other.
#include "host/photo/augment_draw.h"

#include <math.h>

#include "host/core/rng.h"

enum { CROP, FLIP, ROTATE, JITTER_FACTORS, JITTER_ORDER, POLICY, ERASE, ERASE_WHERE };
enum { TRIES = 10 };

// Keeps these numbers apart from those of tensors, which take small streams of the same seed.
static const uint64_t domain = 0x6175676d656e74ULL;

// Four uniform numbers in [0, 1), for attempt `number` at one kind of draw.
static void draw(const ScSample *s, int kind, int number, double u[4]) {
   uint32_t bits[4];
   sc_philox(s->seed ^ domain, s->epoch << 40 | s->index, (uint64_t)kind << 32 | (uint64_t)number, bits);
   for (int i = 0; i < 4; i++) u[i] = bits[i] * 0x1p-32;
}

static double between(ScRange range, double u) {
   return range.low + (range.high - range.low) * u;
}

static double log_between(ScRange range, double u) {
   return exp(between((ScRange){log(range.low), log(range.high)}, u));
}

static int below(int count, double u) {
   return (int)(count * u);
}

// ---- crop ----

// The largest crop in the middle whose ratio is allowed.
static ScRect middle(ScRange ratio, int width, int height) {
   ScRect crop = {0, 0, width, height};
   double found = (double)width / height;
   if (found < ratio.low) crop.height = (int)rint(width / ratio.low);
   if (found > ratio.high) crop.width = (int)rint(height * ratio.high);
   if (crop.width < 1) crop.width = 1;
   if (crop.height < 1) crop.height = 1;
   crop.x = (width - crop.width) / 2;
   crop.y = (height - crop.height) / 2;
   return crop;
}

ScRect sc_augment_draw_crop(const ScAugment *a, const ScSample *s, int width, int height) {
   double area = (double)width * height, u[4];
   for (int attempt = 0; attempt < TRIES; attempt++) {
      draw(s, CROP, attempt, u);
      double target = area * between(a->crop_scale, u[0]), ratio = log_between(a->crop_ratio, u[1]);
      double w = rint(sqrt(target * ratio)), h = rint(sqrt(target / ratio));
      if (w >= 1 && w <= width && h >= 1 && h <= height)
         return (ScRect){below(width - (int)w + 1, u[3]), below(height - (int)h + 1, u[2]), (int)w, (int)h};
   }
   return middle(a->crop_ratio, width, height);
}

// ---- flip, rotation, jitter ----

bool sc_augment_draw_flip(const ScAugment *a, const ScSample *s) {
   double u[4];
   draw(s, FLIP, 0, u);
   return u[0] < a->flip;
}

double sc_augment_draw_degrees(const ScAugment *a, const ScSample *s) {
   double u[4];
   draw(s, ROTATE, 0, u);
   return between(a->degrees, u[0]);
}

void sc_augment_draw_jitter(const ScAugment *a, const ScSample *s, ScJitter order[SC_JITTERS],
                            double factor[SC_JITTERS]) {
   double u[4];
   draw(s, JITTER_FACTORS, 0, u);
   for (int i = 0; i < SC_JITTERS; i++) factor[i] = between(a->jitter_range[i], u[i]);
   draw(s, JITTER_ORDER, 0, u);
   for (int i = 0; i < SC_JITTERS; i++) { // Fisher-Yates from the inside out
      int at = below(i + 1, u[i]);
      order[i] = order[at];
      order[at] = (ScJitter)i;
   }
}

// ---- policies ----

// Number `i` of `count` equal steps, as torch.linspace in float32 reckons it: from the nearer end.
static double linspace(double from, double to, int i, int count) {
   float start = (float)from, end = (float)to;
   if (count < 2) return start;
   float step = (end - start) / (float)(count - 1);
   return i < count / 2 ? start + step * (float)i : end - step * (float)(count - 1 - i);
}

static int posterize_bits(int least, int bin, int bins) {
   double step = bins > 1 ? (bins - 1) / (double)(8 - least) : 1;
   return 8 - (int)rintf((float)bin / (float)step);
}

double sc_effect_magnitude(ScPolicy policy, ScEffect effect, int bin, int bins, int width, int height) {
   bool wide = policy == SC_POLICY_TRIVIAL;
   switch (effect) {
   case SC_SHEAR_X:
   case SC_SHEAR_Y: return linspace(0, wide ? 0.99 : 0.3, bin, bins);
   case SC_TRANSLATE_X: return linspace(0, wide ? 32 : 150.0 / 331.0 * width, bin, bins);
   case SC_TRANSLATE_Y: return linspace(0, wide ? 32 : 150.0 / 331.0 * height, bin, bins);
   case SC_ROTATE: return linspace(0, wide ? 135 : 30, bin, bins);
   case SC_BRIGHTNESS:
   case SC_COLOR:
   case SC_CONTRAST:
   case SC_SHARPNESS: return linspace(0, wide ? 0.99 : 0.9, bin, bins);
   case SC_POSTERIZE: return posterize_bits(wide ? 2 : 4, bin, bins);
   case SC_SOLARIZE: return linspace(255, 0, bin, bins);
   default: return 0;
   }
}

static bool has_sign(ScEffect effect) {
   return effect >= SC_SHEAR_X && effect <= SC_SHARPNESS;
}

ScEffect sc_augment_draw_effect(const ScAugment *a, const ScSample *s, int step, int width, int height,
                                double *magnitude) {
   double u[4];
   draw(s, POLICY, step, u);
   ScEffect effect = (ScEffect)below(SC_EFFECTS, u[0]);
   int bin = a->policy == SC_POLICY_TRIVIAL ? below(a->policy_bins, u[1]) : a->policy_magnitude;
   double size = sc_effect_magnitude(a->policy, effect, bin, a->policy_bins, width, height);
   *magnitude = has_sign(effect) && u[2] < 0.5 ? -size : size;
   return effect;
}

// ---- erasing ----

ScRect sc_augment_draw_erase(const ScAugment *a, const ScSample *s, int width, int height) {
   double area = (double)width * height, u[4];
   draw(s, ERASE, 0, u);
   if (u[0] >= a->erase) return (ScRect){0};
   for (int attempt = 0; attempt < TRIES; attempt++) {
      draw(s, ERASE_WHERE, attempt, u);
      double target = area * between(a->erase_scale, u[0]), ratio = log_between(a->erase_ratio, u[1]);
      double h = rint(sqrt(target * ratio)), w = rint(sqrt(target / ratio));
      if (h < height && w < width)
         return (ScRect){below(width - (int)w + 1, u[3]), below(height - (int)h + 1, u[2]), (int)w, (int)h};
   }
   return (ScRect){0};
}
