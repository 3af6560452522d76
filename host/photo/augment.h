// Random augmentation with torchvision's meaning of every parameter: what is drawn for a sample depends on
// (seed, epoch, index) alone, never on threads, order or what was drawn before. Adding one kind leaves the
// draws of the others.
//
// In this order: random resized crop (or else the preprocessing of evaluation), horizontal flip, rotation,
// color jitter, RandAugment or TrivialAugment, normalisation, random erasing.
#ifndef SCUTE_AUGMENT_H
#define SCUTE_AUGMENT_H

#include "host/photo/image_ops.h"

typedef struct {
   double low, high;
} ScRange;

typedef enum {
   SC_JITTER_BRIGHTNESS,
   SC_JITTER_CONTRAST,
   SC_JITTER_SATURATION,
   SC_JITTER_HUE,
   SC_JITTERS
} ScJitter;
typedef enum { SC_POLICY_NONE, SC_POLICY_RAND, SC_POLICY_TRIVIAL } ScPolicy;

// All zero: no augmentation. Ranges of what is off are not looked at.
typedef struct {
   bool crop;                      // RandomResizedCrop to the crop of the preprocessing, with its filter
   ScRange crop_scale, crop_ratio; // part of the photo's area; width / height
   bool exact_decode;              // no smaller decoding of JPEGs for crops that are scaled down far

   double flip; // probability of a horizontal flip

   bool rotate; // RandomRotation
   ScRange degrees;
   ScWarp rotation_warp;
   unsigned char rotation_fill[3];

   bool jitter[SC_JITTERS]; // ColorJitter: which of them
   ScRange jitter_range[SC_JITTERS];

   ScPolicy policy;
   int policy_count;     // RandAugment: operations one after the other
   int policy_magnitude; // RandAugment: 0 to policy_bins - 1
   int policy_bins;      // number of magnitudes
   ScWarp policy_warp;
   unsigned char policy_fill[3];

   double erase; // probability of RandomErasing
   ScRange erase_scale, erase_ratio;
   bool erase_noise;     // standard normal noise instead of erase_value
   float erase_value[3]; // after normalisation: 0 is the mean color
} ScAugment;

// Defaults of torchvision.
extern const ScRange sc_crop_scale, sc_crop_ratio, sc_erase_scale, sc_erase_ratio;

// Which view of which sample.
typedef struct {
   uint64_t seed;
   uint64_t epoch; // below 2^24
   uint64_t index; // of the sample, below 2^40
} ScSample;

// Every field in range? SC_EARG otherwise; the message begins with the option's name in Lua.
ScStatus sc_augment_check(const ScAugment *);

// Decodes, augments and normalises the photo at `path` for one sample: (crop, crop, 3) floats into `out`. The
// crop of the preprocessing must be set. Random crops of JPEGs that are scaled down at least twice as far are
// decoded at 1/2, 1/4 or 1/8 of the size, unless exact_decode is set.
ScStatus sc_augment_load(const char *path, const ScImageLimits *, const ScPreprocess *, const ScAugment *,
                         const ScSample *, float *out);
// The same before normalisation: (crop, crop, 3) bytes. SC_EARG with random erasing, which works on what is
// normalised.
ScStatus sc_augment_load_bytes(const char *path, const ScImageLimits *, const ScPreprocess *, const ScAugment *,
                               const ScSample *, unsigned char *out);
// As sc_augment_load, for an image in memory.
ScStatus sc_augment_image(const ScImage *, const ScPreprocess *, const ScAugment *, const ScSample *,
                          float *out);

// ---- what is drawn, for those who apply it themselves ----

// RandomResizedCrop.get_params for an image of that size.
ScRect sc_augment_draw_crop(const ScAugment *, const ScSample *, int width, int height);
bool sc_augment_draw_flip(const ScAugment *, const ScSample *);
double sc_augment_draw_degrees(const ScAugment *, const ScSample *);
// In which order the jitters come, and the factor (hue: turn) of each kind.
void sc_augment_draw_jitter(const ScAugment *, const ScSample *, ScJitter order[SC_JITTERS],
                            double factor[SC_JITTERS]);
// The operation number `step` (from 0) of the policy, for an image of that size.
ScEffect sc_augment_draw_effect(const ScAugment *, const ScSample *, int step, int width, int height,
                                double *magnitude);
// RandomErasing.get_params; of size 0 where nothing is erased.
ScRect sc_augment_draw_erase(const ScAugment *, const ScSample *, int width, int height);
// torchvision's magnitude number `bin` of an operation, without its sign.
double sc_effect_magnitude(ScPolicy, ScEffect, int bin, int bins, int width, int height);

#endif
