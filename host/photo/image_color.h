// What augmentation does to colors, with Pillow's arithmetic on 8 bits (src/libImaging: Blend.c, Convert.c,
// Filter.c; ImageEnhance, ImageOps) and torchvision's meaning of the parameters.
//
// Every function changes the image in place; after a failure it is what it was. An empty image is SC_EARG.
#ifndef SCUTE_IMAGE_COLOR_H
#define SCUTE_IMAGE_COLOR_H

#include "host/photo/image.h"

// Factor 0 takes the property away, 1 leaves the image as it is, 2 doubles it; at least 0.
ScStatus sc_image_brightness(ScImage *, double factor);
ScStatus sc_image_contrast(ScImage *, double factor);
ScStatus sc_image_saturation(ScImage *, double factor);
ScStatus sc_image_sharpness(ScImage *, double factor);
// Turns the hue by `turn` of a full circle, -0.5 to 0.5.
ScStatus sc_image_hue(ScImage *, double turn);

// Keeps the upper `bits` of every value, 1 to 8.
ScStatus sc_image_posterize(ScImage *, int bits);
// Inverts the values that are not below the threshold.
ScStatus sc_image_solarize(ScImage *, double threshold);
// Stretches every channel to 0..255.
ScStatus sc_image_autocontrast(ScImage *);
// Spreads every channel's histogram evenly.
ScStatus sc_image_equalize(ScImage *);
ScStatus sc_image_invert(ScImage *);

#endif
