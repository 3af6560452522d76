// Random augmentation with torchvision's meaning of every parameter: what is drawn for a sample depends on
// (seed, epoch, index) alone, never on threads, order or what was drawn before. Adding one kind leaves the
// draws of the others.
//
// In this order: random resized crop (or else the preprocessing of evaluation), horizontal flip, rotation,
// color jitter, RandAugment or TrivialAugment, normalisation, random erasing.
#ifndef SCUTE_AUGMENT_H
#define SCUTE_AUGMENT_H

#include "host/photo/augment_draw.h"
#include "host/photo/image_format.h"
#include "host/photo/image_transform.h"

// Decodes, augments and normalises the photo at `path` for one sample: (crop, crop, 3) floats into `out`. The
// crop of the preprocessing must be set. Random crops of JPEGs that are scaled down at least twice as far are
// decoded at 1/2, 1/4 or 1/8 of the size, unless exact_decode is set. `lacks_end` (which may be NULL): see
// ScPhoto.
ScStatus sc_augment_load(const char *path, const ScImageLimits *, const ScPreprocess *, const ScAugment *,
                         const ScSample *, float *out, bool *lacks_end);
// The same before normalisation and erasing: (crop, crop, 3) bytes. sc_augment_draw_erase says what is yet to
// be erased of what is made of them.
ScStatus sc_augment_load_bytes(const char *path, const ScImageLimits *, const ScPreprocess *, const ScAugment *,
                               const ScSample *, unsigned char *out, bool *lacks_end);
// As sc_augment_load, for an image in memory.
ScStatus sc_augment_image(const ScImage *, const ScPreprocess *, const ScAugment *, const ScSample *,
                          float *out);

#endif
