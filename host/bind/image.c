// scute.image: photos as pictures, with width, height and methods that return new images or tensors.
#include "host/photo/image.h"

#include <stdlib.h>
#include <string.h>

#include "host/bind/image.h"

#include "host/bind/crop.h"
#include "host/bind/environment.h"
#include "host/bind/options.h"
#include "host/bind/suggest.h"
#include "host/core/device.h"
#include "host/files/file.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_png.h"
#include "host/photo/image_transform.h"

// Lua's collector does not see the pixels behind the handles.
enum { UNHURRIED = 256 << 20 };
static size_t live_bytes, allowed_bytes = UNHURRIED;

static size_t bytes_of(const ScImage *image) {
   return (size_t)image->width * (size_t)image->height * 3;
}

ScImage *sc_push_image(lua_State *L) {
   if (live_bytes > allowed_bytes) {
      lua_gc(L, LUA_GCCOLLECT);
      allowed_bytes = 2 * live_bytes > UNHURRIED ? 2 * live_bytes : UNHURRIED;
   }
   ScImage *image = lua_newuserdatauv(L, sizeof *image, 0);
   *image = (ScImage){0};
   luaL_setmetatable(L, SC_IMAGE_TYPE);
   return image;
}

int sc_finish_image(lua_State *L, const char *method, const ScImage *image, ScStatus status) {
   size_t n = strlen(method);
   bool says = strncmp(sc_error(), method, n) == 0 && sc_error()[n] == ':'; // which method it was
   if (status) return sc_raise(L, says ? status : sc_wrap(status, "%s: ", method));
   live_bytes += bytes_of(image);
   return 1;
}

ScImage *sc_check_image(lua_State *L, const char *method) {
   ScImage *image = luaL_checkudata(L, 1, SC_IMAGE_TYPE);
   if (!image->rgb) luaL_error(L, "%s: this image was freed by :free() or <close>", method);
   return image;
}

static void drop(ScImage *image) {
   live_bytes -= bytes_of(image);
   sc_image_free(image);
}

// image:free(): lets go of its memory now; also on collection and <close>
static int release(lua_State *L) {
   drop(luaL_checkudata(L, 1, SC_IMAGE_TYPE));
   return 0;
}

typedef struct {
   const char *path;
   const ScCrop *crop;
   ScImage *image;
   bool lacks_end, is_cut;
} Decoding;

static ScStatus decode(void *context) {
   Decoding *d = context;
   ScPhoto photo;
   ScStatus status =
       sc_crop_decode(sc_image_decode_photo, d->path, NULL, &(ScPurpose){0}, d->crop, &photo, &d->is_cut);
   d->lacks_end = photo.lacks_end;
   *d->image = sc_photo_take_image(&photo);
   return status;
}

// The crop that the options at 2 say; NULL where there are none. Its memory is on the stack.
static const ScCrop *read_crop(lua_State *L) {
   static const char *const names[] = {"box", "mask", "boxes_of", "outside", NULL};
   static const float mean[] = {0.485f, 0.456f, 0.406f};
   if (lua_isnoneornil(L, 2)) return NULL;
   sc_check_options(L, 2, "load", names);
   ScCropLists lists = sc_push_crops(L, 2, "load", 1, false, mean);
   return sc_read_crops(L, &lists);
}

// scute.image.load(path, {box = {x, y, width, height} (none), mask = (none), boxes_of = , outside = }) ->
// image, and a note where the file lacks its end and the picture is whole, or the box reaches beyond it. By
// content, whatever the name says (see scute.photo_kinds); EXIF orientation applied, transparency on white. A
// box and a mask as scute.loader has them; outside = "mean" is ImageNet's.
static int load(lua_State *L) {
   const char *path = luaL_checkstring(L, 1);
   lua_settop(L, 2);
   ScImage *image = sc_push_image(L);
   Decoding decoding = {.path = path, .crop = read_crop(L), .image = image};
   lua_pushvalue(L, 3);
   sc_check(L, sc_with_retry(decode, &decoding));
   live_bytes += bytes_of(image);
   if (!decoding.lacks_end && !decoding.is_cut) return 1;
   lua_pushfstring(L, "%s: %s", path, decoding.lacks_end ? SC_LACKS_END : SC_BOX_IS_CUT);
   return 2;
}

// image:resize(256) or image:resize{size = 256, filter = "bilinear"}: the short side becomes `size`;
// image:resize{width = w, height = h, filter = "bicubic"}: exactly that
static int resize(lua_State *L) {
   static const char *const names[] = {"size", "width", "height", "filter", NULL};
   if (lua_type(L, 2) == LUA_TNUMBER) {
      lua_createtable(L, 0, 1);
      lua_pushvalue(L, 2);
      lua_setfield(L, -2, "size");
      lua_replace(L, 2);
   }
   sc_check_options(L, 2, "resize", names);
   int size = (int)sc_option_integer(L, 2, "resize", "size", 0, 1, 1 << 20);
   int width = (int)sc_option_integer(L, 2, "resize", "width", 0, 1, 1 << 20);
   int height = (int)sc_option_integer(L, 2, "resize", "height", 0, 1, 1 << 20);
   ScFilter filter = sc_option_filter(L, 2, "resize");
   if (size ? width || height : !width || !height)
      return luaL_error(L, "resize: expected either 'size' or both 'width' and 'height'");
   ScImage *to = sc_push_image(L), *from = sc_check_image(L, "resize");
   return sc_finish_image(L, "resize", to,
                          size ? sc_image_resize(from, size, filter, to)
                               : sc_image_resize_to(from, width, height, filter, to));
}

// image:crop(size): the square in the middle; black where the image is smaller
static int crop(lua_State *L) {
   lua_Integer size = luaL_checkinteger(L, 2);
   if (size < 1 || size > 10000) return luaL_error(L, "crop: expected 1 to 10000 pixels, found %I", size);
   ScImage *to = sc_push_image(L);
   return sc_finish_image(L, "crop", to, sc_image_center_crop(sc_check_image(L, "crop"), (int)size, to));
}

// image:pad_square(): in the middle of a white square
static int pad_square(lua_State *L) {
   ScImage *to = sc_push_image(L);
   return sc_finish_image(L, "pad_square", to, sc_image_pad_square(sc_check_image(L, "pad_square"), to));
}

// image:save(path): a PNG, whatever the name says; never half a file
static int save(lua_State *L) {
   const char *path = luaL_checkstring(L, 2);
   ScImage *image = sc_check_image(L, "save");
   unsigned char *png = NULL;
   size_t size = 0;
   ScStatus status = sc_image_encode_png(image, &png, &size);
   if (!status) status = sc_file_save(path, png, size);
   free(png);
   if (status) return sc_raise(L, sc_wrap(status, "save: "));
   return 0;
}

void *sc_push_pixels(lua_State *L, ScDtype dtype, int width, int height) {
   return sc_push_new_tensor(L, sc_device_cpu(), dtype, 4, (int64_t[]){1, 3, height, width})->buffer->data;
}

// image:tensor() -> u8 tensor (1, 3, height, width), RGB
static int tensor(lua_State *L) {
   const ScImage *image = sc_check_image(L, "tensor");
   void *pixels = sc_push_pixels(L, SC_U8, image->width, image->height);
   image = sc_check_image(L, "tensor");
   memcpy(pixels, image->rgb, bytes_of(image));
   return 1;
}

// image:preprocess{resize = , crop = , filter = "bilinear", mean = {r, g, b}, std = {r, g, b}, pad_square =
// false}
// -> f32 tensor (1, 3, height, width) as torchvision's Resize, CenterCrop, ToTensor and Normalize; mean and std
// default to ImageNet's, resize and crop to none
static int preprocess(lua_State *L) {
   ScPreprocess p = sc_check_preprocess(L, 2, "preprocess");
   ScImage *fitted = sc_push_image(L);
   sc_finish_image(L, "preprocess", fitted, sc_image_preprocess(sc_check_image(L, "preprocess"), &p, fitted));
   sc_image_to_float(fitted, p.mean, p.std, sc_push_pixels(L, SC_F32, fitted->width, fitted->height));
   drop(fitted);
   return 1;
}

// image:show{as = "auto", columns, rows}: draws it in a terminal that can show pictures, else names a file; see
// scute.base.show
static int show(lua_State *L) {
   sc_check_image(L, "show");
   lua_settop(L, 2);
   sc_environment_push(L, "require");
   lua_pushliteral(L, "scute.base.show");
   lua_call(L, 1, 1);
   lua_getfield(L, -1, "image");
   lua_pushvalue(L, 1);
   lua_pushvalue(L, 2);
   lua_call(L, 2, 1);
   return 1;
}

static int describe(lua_State *L) {
   ScImage *image = luaL_checkudata(L, 1, SC_IMAGE_TYPE);
   if (image->rgb)
      lua_pushfstring(L, "image %d x %d", image->width, image->height);
   else
      lua_pushliteral(L, "image (freed)");
   return 1;
}

// image.width -> pixels from left to right
//
// image.height -> pixels from top to bottom
static const char *const properties[] = {"width", "height", NULL};

static int get(lua_State *L) {
   ScImage *image = luaL_checkudata(L, 1, SC_IMAGE_TYPE);
   const char *key = luaL_checkstring(L, 2);
   if (strcmp(key, "width") == 0)
      lua_pushinteger(L, image->width);
   else if (strcmp(key, "height") == 0)
      lua_pushinteger(L, image->height);
   else if (lua_getfield(L, lua_upvalueindex(1), key) == LUA_TNIL)
      sc_reject_name(L, "an image", key, properties, lua_upvalueindex(1));
   return 1;
}

static const luaL_Reg methods[] = {{"resize", resize}, {"crop", crop},     {"pad_square", pad_square},
                                   {"save", save},     {"tensor", tensor}, {"preprocess", preprocess},
                                   {"show", show},     {"free", release},  {NULL, NULL}};
static const luaL_Reg meta[] = {
    {"__gc", release}, {"__close", release}, {"__tostring", describe}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"load", load}, {NULL, NULL}};

static void open_image(lua_State *L) {
   luaL_newmetatable(L, SC_IMAGE_TYPE);
   luaL_setfuncs(L, meta, 0);
   sc_set_properties(L, properties);
   sc_push_methods(L, SC_IMAGE_TYPE);
   luaL_setfuncs(L, methods, 0);
   lua_pushcclosure(L, get, 1);
   lua_setfield(L, -2, "__index");
   lua_pop(L, 1);
   luaL_newlib(L, functions);
   lua_setfield(L, -2, "image");
}
SC_OPENER(open_image)
