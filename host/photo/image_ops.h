// What augmentation does to pixels, with Pillow's arithmetic on 8 bits (src/libImaging: Blend.c, Convert.c,
// Filter.c, Geometry.c; ImageEnhance, ImageOps) and torchvision's meaning of the parameters.
//
// Every function changes the image in place; after a failure it is what it was. An empty image is SC_EARG.
#ifndef SCUTE_IMAGE_OPS_H
#define SCUTE_IMAGE_OPS_H

#include "host/photo/image.h"

// How a pixel between pixels is found.
typedef enum { SC_WARP_NEAREST, SC_WARP_BILINEAR } ScWarp;

// ---- color: factor 0 takes the property away, 1 leaves the image as it is, 2 doubles it; at least 0 ----

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

// ---- geometry: the size stays; what comes from outside is `fill` (RGB) ----

// Left becomes right.
ScStatus sc_image_flip(ScImage *);
// Counter-clockwise around the center.
ScStatus sc_image_rotate(ScImage *, double degrees, ScWarp, const unsigned char fill[3]);
// The pixel (x, y) comes from (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]); centers of pixels lie at .5.
ScStatus sc_image_affine(ScImage *, const double m[6], ScWarp, const unsigned char fill[3]);

// ---- the operations of RandAugment and TrivialAugment, in torchvision's order ----

typedef enum {
   SC_IDENTITY,
   SC_SHEAR_X, // magnitude: tangent of the angle
   SC_SHEAR_Y,
   SC_TRANSLATE_X, // pixels to the right, cut to a whole number
   SC_TRANSLATE_Y, // pixels down
   SC_ROTATE,      // degrees counter-clockwise
   SC_BRIGHTNESS,  // factor - 1, as for the three below
   SC_COLOR,       // saturation
   SC_CONTRAST,
   SC_SHARPNESS,
   SC_POSTERIZE, // bits, cut to a whole number
   SC_SOLARIZE,  // threshold
   SC_AUTOCONTRAST,
   SC_EQUALIZE,
   SC_EFFECTS // how many there are
} ScEffect;

const char *sc_effect_name(ScEffect); // as torchvision has it: "ShearX"
ScStatus sc_image_effect(ScImage *, ScEffect, double magnitude, ScWarp, const unsigned char fill[3]);

#endif
