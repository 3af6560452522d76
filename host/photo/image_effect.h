// The operations of RandAugment and TrivialAugment, in torchvision's order.
#ifndef SCUTE_IMAGE_EFFECT_H
#define SCUTE_IMAGE_EFFECT_H

#include "host/photo/image_warp.h"

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
