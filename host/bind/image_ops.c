// What augmentation does, as methods of images with explicit parameters, and as a whole. Each returns a new
// image.
#include <string.h>

#include "host/bind/augment.h"
#include "host/bind/image.h"
#include "host/bind/options.h"
#include "host/core/suggest.h"
#include "host/photo/image_color.h"
#include "host/photo/image_transform.h"
#include "host/photo/image_warp.h"

// Into a new image, what a method changes there.
static ScStatus copy(const ScImage *from, ScImage *to) {
   SC_TRY(sc_image_new(from->width, from->height, to));
   memcpy(to->rgb, from->rgb, (size_t)from->width * (size_t)from->height * 3);
   return SC_OK;
}

// Puts a table {`name` = value} in the place of a number at `index`.
static void wrap_number(lua_State *L, int index, const char *name) {
   if (lua_type(L, index) != LUA_TNUMBER) return;
   lua_createtable(L, 0, 1);
   lua_pushvalue(L, index);
   lua_setfield(L, -2, name);
   lua_replace(L, index);
}

// image:flip(): left becomes right
static int flip(lua_State *L) {
   ScImage *to = sc_push_image(L);
   ScStatus status = copy(sc_check_image(L, "flip"), to);
   if (!status) status = sc_image_flip(to);
   return sc_finish_image(L, "flip", to, status);
}

// image:rotate(10) or image:rotate{degrees = 10, filter = "nearest" or "bilinear", fill = 0 or {r, g, b}}:
// counter-clockwise, the size stays
static int rotate(lua_State *L) {
   static const char *const names[] = {"degrees", "filter", "fill", NULL};
   unsigned char fill[3] = {0};
   wrap_number(L, 2, "degrees");
   sc_check_options(L, 2, "rotate", names);
   double degrees = sc_option_number(L, 2, "rotate", "degrees", 0, -1e6, 1e6);
   ScWarp warp = sc_option_warp(L, 2, "rotate");
   sc_option_fill(L, 2, "rotate", fill);
   ScImage *to = sc_push_image(L);
   ScStatus status = copy(sc_check_image(L, "rotate"), to);
   if (!status) status = sc_image_rotate(to, degrees, warp, fill);
   return sc_finish_image(L, "rotate", to, status);
}

// image:jitter{brightness = 1.2, contrast = 0.8, saturation = 1.5, hue = 0.1}: by these factors (hue: part of a
// full turn, -0.5 to 0.5), in this order
static int jitter(lua_State *L) {
   static const char *const names[] = {"brightness", "contrast", "saturation", "hue", NULL};
   static ScStatus (*const change[])(ScImage *, double) = {sc_image_brightness, sc_image_contrast,
                                                           sc_image_saturation, sc_image_hue};
   double factors[4];
   sc_check_options(L, 2, "jitter", names);
   for (int i = 0; i < 4; i++)
      factors[i] =
          sc_option_number(L, 2, "jitter", names[i], i < 3 ? 1 : 0, i < 3 ? 0 : -0.5, i < 3 ? 100 : 0.5);
   ScImage *to = sc_push_image(L);
   ScStatus status = copy(sc_check_image(L, "jitter"), to);
   for (int i = 0; i < 4 && !status; i++)
      if (factors[i] != (i < 3 ? 1 : 0)) status = change[i](to, factors[i]);
   return sc_finish_image(L, "jitter", to, status);
}

static ScEffect check_effect(lua_State *L, int index) {
   const char *names[SC_EFFECTS];
   for (int e = 0; e < SC_EFFECTS; e++) names[e] = sc_effect_name((ScEffect)e);
   const char *name = luaL_checkstring(L, index);
   for (int e = 0; e < SC_EFFECTS; e++)
      if (strcmp(name, names[e]) == 0) return (ScEffect)e;
   const char *meant = sc_meant(name, SC_EFFECTS, names);
   luaL_error(L, "effect: no effect is called '%s'%s", name,
              meant[0] ? meant : "; there are those of RandAugment, such as 'ShearX'");
   return SC_IDENTITY;
}

// image:effect("ShearX", 0.3, {filter = "nearest" or "bilinear", fill = 0 or {r, g, b}}): an operation of
// RandAugment with its magnitude: ShearX and ShearY (tangent), TranslateX and TranslateY (pixels), Rotate
// (degrees), Brightness, Color, Contrast and Sharpness (factor - 1), Posterize (bits), Solarize (threshold);
// Identity, AutoContrast and Equalize have none
static int effect(lua_State *L) {
   static const char *const names[] = {"filter", "fill", NULL};
   ScEffect which = check_effect(L, 2);
   double magnitude = luaL_optnumber(L, 3, 0);
   ScWarp warp = SC_WARP_NEAREST;
   unsigned char fill[3] = {0};
   if (!lua_isnoneornil(L, 4)) {
      sc_check_options(L, 4, "effect", names);
      warp = sc_option_warp(L, 4, "effect");
      sc_option_fill(L, 4, "effect", fill);
   }
   ScImage *to = sc_push_image(L);
   ScStatus status = copy(sc_check_image(L, "effect"), to);
   if (!status) status = sc_image_effect(to, which, magnitude, warp, fill);
   return sc_finish_image(L, "effect", to, status);
}

// image:resized_crop{x = 1, y = 1, width = , height = , size = 224, filter = "bilinear"}: cuts that part out
// and makes it a square of `size`; x and y of its first pixel
static int resized_crop(lua_State *L) {
   static const char *const names[] = {"x", "y", "width", "height", "size", "filter", NULL};
   ScImage *from = sc_check_image(L, "resized_crop");
   sc_check_options(L, 2, "resized_crop", names);
   ScRect crop;
   crop.x = (int)sc_option_integer(L, 2, "resized_crop", "x", 1, 1, from->width) - 1;
   crop.y = (int)sc_option_integer(L, 2, "resized_crop", "y", 1, 1, from->height) - 1;
   crop.width = (int)sc_option_integer(L, 2, "resized_crop", "width", from->width - crop.x, 1, from->width);
   crop.height = (int)sc_option_integer(L, 2, "resized_crop", "height", from->height - crop.y, 1, from->height);
   int size = (int)sc_option_integer(L, 2, "resized_crop", "size", 224, 1, 10000);
   ScFilter filter = sc_option_filter(L, 2, "resized_crop");
   ScImage *to = sc_push_image(L);
   from = sc_check_image(L, "resized_crop");
   return sc_finish_image(L, "resized_crop", to, sc_image_resized_crop(from, &crop, size, size, filter, to));
}

// image:random_resized_crop{size = 224, scale = {0.08, 1}, ratio = {3/4, 4/3}, filter = "bilinear", seed = 0,
// epoch = 1, index = 1}: what a loader with these numbers cuts out of its photo number `index`
static int random_resized_crop(lua_State *L) {
   static const char *const names[] = {"size", "scale", "ratio", "filter", "seed", "epoch", "index", NULL};
   ScAugment a = {0};
   if (lua_isnoneornil(L, 2)) {
      lua_settop(L, 1);
      lua_newtable(L);
   }
   sc_check_options(L, 2, "random_resized_crop", names);
   sc_check_crop_ranges(L, 2, "random_resized_crop", &a);
   int size = (int)sc_option_integer(L, 2, "random_resized_crop", "size", 224, 1, 10000);
   ScFilter filter = sc_option_filter(L, 2, "random_resized_crop");
   ScSample sample = sc_option_sample(L, 2, "random_resized_crop");
   sc_check(L, sc_augment_check(&a));
   ScImage *to = sc_push_image(L), *from = sc_check_image(L, "random_resized_crop");
   ScRect crop = sc_augment_draw_crop(&a, &sample, from->width, from->height);
   return sc_finish_image(L, "random_resized_crop", to,
                          sc_image_resized_crop(from, &crop, size, size, filter, to));
}

// ---- all of it ----

// The picture that a normalised tensor stands for.
static void to_bytes(const float *pixels, const ScPreprocess *p, ScImage *image) {
   for (int i = 0; i < image->width * image->height * 3; i++) {
      float v = (pixels[i] * p->std[i % 3] + p->mean[i % 3]) * 255.0f + 0.5f;
      image->rgb[i] = (unsigned char)(v < 0 ? 0 : v > 255 ? 255 : v);
   }
}

static ScPreprocess read_preprocess(lua_State *L, int options) {
   if (sc_raw_field(L, options, "preprocess") == LUA_TNIL) {
      lua_newtable(L);
      lua_pushinteger(L, 256);
      lua_setfield(L, -2, "resize");
      lua_pushinteger(L, 224);
      lua_setfield(L, -2, "crop");
   }
   ScPreprocess p = sc_check_preprocess(L, -1, "augment: preprocess");
   if (p.crop < 1) luaL_error(L, "augment: preprocess: option 'crop': expected at least 1 pixel, found none");
   return p;
}

// image:augment(description, {seed = 0, epoch = 1, index = 1, preprocess = {resize = 256, crop = 224}, as =
// "tensor" or "image"}) -> what a loader with this augmentation makes of its photo number `index`: f32 tensor
// (1, 3, crop, crop), normalised, or the picture of it
static int augment(lua_State *L) {
   static const char *const names[] = {"seed", "epoch", "index", "preprocess", "as", NULL};
   static const char *const kinds[] = {"tensor", "image", NULL};
   ScAugment a = sc_check_augment(L, 2, "augment");
   if (lua_isnoneornil(L, 3)) {
      lua_settop(L, 2);
      lua_newtable(L);
   }
   sc_check_options(L, 3, "augment", names);
   bool as_image = sc_option_choice(L, 3, "augment", "as", 0, kinds) == 1;
   ScSample sample = sc_option_sample(L, 3, "augment");
   ScPreprocess p = read_preprocess(L, 3);
   float *pixels = sc_push_pixels(L, SC_F32, p.crop, p.crop);
   sc_check(L, sc_augment_image(sc_check_image(L, "augment"), &p, &a, &sample, pixels));
   if (!as_image) return 1;
   ScImage *to = sc_push_image(L);
   ScStatus status = sc_image_new(p.crop, p.crop, to);
   if (!status) to_bytes(pixels, &p, to);
   return sc_finish_image(L, "augment", to, status);
}

static const luaL_Reg methods[] = {{"flip", flip},
                                   {"rotate", rotate},
                                   {"jitter", jitter},
                                   {"effect", effect},
                                   {"resized_crop", resized_crop},
                                   {"random_resized_crop", random_resized_crop},
                                   {"augment", augment},
                                   {NULL, NULL}};

static void open_image_ops(lua_State *L) {
   sc_push_methods(L, SC_IMAGE_TYPE);
   luaL_setfuncs(L, methods, 0);
   lua_pop(L, 1);
}
SC_OPENER(open_image_ops)
