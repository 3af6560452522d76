// What is drawn for a sample, for those who apply it themselves too.
#ifndef SCUTE_AUGMENT_DRAW_H
#define SCUTE_AUGMENT_DRAW_H

#include "host/photo/augment_options.h"
#include "host/photo/crop.h"
#include "host/photo/image_effect.h"
#include "host/photo/image_format.h"
#include "host/photo/look.h"

// Which view of which sample.
typedef struct {
   uint64_t seed;
   uint64_t epoch;     // below 2^24
   uint64_t index;     // of the sample, below 2^40
   ScDigest *digest;   // NULL, or where that of the file goes
   ScLook *look;       // NULL, or where that of the photo goes, before anything is changed in it
   const ScCrop *crop; // NULL, or what of the photo there is at all
   bool *is_cut;       // NULL, or where it goes whether its box reaches beyond the photo
} ScSample;

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
