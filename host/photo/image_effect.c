#include "host/photo/image_effect.h"

#include <math.h>

#include "host/photo/image_color.h"

const char *sc_effect_name(ScEffect effect) {
   static const char *const names[] = {"Identity",  "ShearX",     "ShearY",       "TranslateX", "TranslateY",
                                       "Rotate",    "Brightness", "Color",        "Contrast",   "Sharpness",
                                       "Posterize", "Solarize",   "AutoContrast", "Equalize"};
   return effect >= 0 && effect < SC_EFFECTS ? names[effect] : "?";
}

static ScStatus check(const ScImage *image, const char *effect, double magnitude) {
   if (!image->rgb) return sc_fail(SC_EARG, "%s: expected pixels, found an empty image", effect);
   if (isfinite(magnitude)) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected a finite number, found %g", effect, magnitude);
}

ScStatus sc_image_effect(ScImage *image, ScEffect effect, double m, ScWarp warp, const unsigned char fill[3]) {
   SC_TRY(check(image, sc_effect_name(effect), m));
   switch (effect) {
   case SC_IDENTITY: return SC_OK;
   case SC_SHEAR_X: return sc_image_affine(image, (double[6]){1, m, 0, 0, 1, 0}, warp, fill);
   case SC_SHEAR_Y: return sc_image_affine(image, (double[6]){1, 0, 0, m, 1, 0}, warp, fill);
   case SC_TRANSLATE_X: return sc_image_affine(image, (double[6]){1, 0, -trunc(m), 0, 1, 0}, warp, fill);
   case SC_TRANSLATE_Y: return sc_image_affine(image, (double[6]){1, 0, 0, 0, 1, -trunc(m)}, warp, fill);
   case SC_ROTATE: return sc_image_rotate(image, m, warp, fill);
   case SC_BRIGHTNESS: return sc_image_brightness(image, 1 + m);
   case SC_COLOR: return sc_image_saturation(image, 1 + m);
   case SC_CONTRAST: return sc_image_contrast(image, 1 + m);
   case SC_SHARPNESS: return sc_image_sharpness(image, 1 + m);
   case SC_POSTERIZE: return sc_image_posterize(image, (int)m);
   case SC_SOLARIZE: return sc_image_solarize(image, m);
   case SC_AUTOCONTRAST: return sc_image_autocontrast(image);
   case SC_EQUALIZE: return sc_image_equalize(image);
   case SC_EFFECTS: break;
   }
   return sc_fail(SC_EARG, "augment: no effect has the number %d", (int)effect);
}
