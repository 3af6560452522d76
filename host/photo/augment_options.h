// Which augmentation is wanted, with torchvision's meaning of every parameter.
#ifndef SCUTE_AUGMENT_OPTIONS_H
#define SCUTE_AUGMENT_OPTIONS_H

#include "host/photo/image_warp.h"

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

// Every field in range? SC_EARG otherwise; the message begins with the option's name in Lua.
ScStatus sc_augment_check(const ScAugment *);

// Whether every view of a photo is the same.
bool sc_augment_is_none(const ScAugment *);

#endif
