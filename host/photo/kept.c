#include "host/photo/kept.h"

#include <string.h>

#include "host/core/store.h"

// Photos leave a quarter of the store to what is smaller and dearer. Where that leaves none for one, what this
// run does not use shall go.
static bool has_room(size_t bytes) {
   ScStoreUse use = sc_store_use();
   size_t most = use.size / 4 * 3;
   bool fits = bytes <= most && use.bytes <= most - bytes;
   if (!fits) sc_store_lacks_room();
   return fits;
}

bool sc_kept_file(const char *path, const ScImageLimits *limits, ScKeptFile *file) {
   struct stat info;
   if (!limits) limits = &sc_image_limits;
   if (!sc_store_is_open() || stat(path, &info) != 0) return false;
   *file = (ScKeptFile){path, sc_stamp(&info), limits->max_pixels, limits->max_bytes};
   return sc_stamp_settled(&file->stamp);
}

// Whether what was read of it meanwhile is what the stamp says.
static bool is_unchanged(const ScKeptFile *file) {
   struct stat info;
   if (stat(file->path, &info) != 0) return false;
   ScStamp now = sc_stamp(&info);
   return sc_stamp_same(&now, &file->stamp);
}

static ScStoreKey key_of(const char *kind, const ScKeptFile *file, const int64_t how[4]) {
   int64_t all[sizeof(ScStamp) / sizeof(int64_t) + 6];
   memcpy(all, &file->stamp, sizeof file->stamp);
   int64_t *rest = all + sizeof(ScStamp) / sizeof(int64_t);
   rest[0] = file->max_pixels, rest[1] = file->max_bytes;
   memcpy(rest + 2, how, 4 * sizeof *how);
   return sc_store_key(kind, all, sizeof all);
}

static size_t bytes_of(const ScImage *image) {
   return (size_t)image->width * (size_t)image->height * 3;
}

// A copy of the pixels that stand behind the head of an entry; the image has their size.
static bool copy_pixels(const void *pixels, ScImage *image) {
   int width = image->width, height = image->height;
   if (sc_image_new(width, height, image) != SC_OK) return false;
   memcpy(image->rgb, pixels, bytes_of(image));
   return true;
}

// ---- prepared photos ----

// Everything that says which pixels a crop is of.
typedef struct {
   ScStoreKey photo, mask;
   ScBox box;
   int64_t width, height, mask_width, mask_height;
   int32_t has_box, mask_kind, pixels, outside;
} CropKey;

static ScStoreKey key_of_prepared(const ScKeptFile *file, const ScCrop *c, const ScPreprocess *p) {
   ScStoreKey photo = key_of("prepared photo", file, (int64_t[]){p->pad_square, p->resize, p->crop, p->filter});
   if (sc_crop_is_none(c)) return photo;
   CropKey all;
   memset(&all, 0, sizeof all); // with what lies between its fields
   all.photo = photo;
   all.mask = sc_store_key("mask", c->mask.data, sc_mask_bytes(&c->mask));
   all.box = c->box;
   all.width = c->width, all.height = c->height;
   all.mask_width = c->mask.width, all.mask_height = c->mask.height;
   all.has_box = c->has_box, all.mask_kind = (int32_t)c->mask.kind, all.pixels = (int32_t)c->pixels;
   all.outside = c->outside[0] << 16 | c->outside[1] << 8 | c->outside[2];
   return sc_store_key("crop of a photo", &all, sizeof all);
}

bool sc_kept_find_prepared(const ScKeptFile *file, const ScCrop *crop, const ScPreprocess *p, ScPrepared *out) {
   size_t size;
   ScStoreKey key = key_of_prepared(file, crop, p);
   const char *found = sc_store_find(&key, &size);
   if (!found) return false;
   memcpy(out, found, sizeof *out);
   return copy_pixels(found + sizeof *out, &out->image);
}

void sc_kept_keep_prepared(const ScKeptFile *file, const ScCrop *crop, const ScPreprocess *p,
                           const ScPrepared *prepared) {
   size_t bytes = bytes_of(&prepared->image);
   if (!has_room(bytes + sizeof *prepared) || !is_unchanged(file)) return;
   ScStoreKey key = key_of_prepared(file, crop, p);
   sc_store_keep(&key, prepared, sizeof *prepared, prepared->image.rgb, bytes);
}

// ---- decoded photos ----

// What has to be known before it is asked at which part of the size a photo is wanted.
typedef struct {
   int width, height, orientation;
   bool shrinks; // whether its format is asked
} Size;

typedef struct {
   ScPhoto photo;
   ScDigest digest;
} Decoded;

static ScStoreKey key_of_size(const ScKeptFile *file, const ScPurpose *purpose) {
   return key_of("size of a photo", file, (int64_t[]){purpose->choose_shrink != NULL, 0, 0, 0});
}

static ScStoreKey key_of_decoded(const ScKeptFile *file, int shrink) {
   return key_of("decoded photo", file, (int64_t[]){shrink, 0, 0, 0});
}

// Reserves what decoding would have, and refuses what it would have.
static ScStatus find(const ScKeptFile *file, const ScImageLimits *limits, const ScPurpose *purpose,
                     ScPhoto *out, bool *found) {
   size_t bytes;
   ScStoreKey key = key_of_size(file, purpose);
   const Size *size = sc_store_find(&key, &bytes);
   *found = false;
   if (!size) return SC_OK;
   if (purpose->begin) {
      ScStatus refused = purpose->begin(purpose->context, size->width, size->height, size->orientation);
      if (refused) return sc_wrap(refused, "%s: ", file->path);
   }
   int shrink = size->shrinks ? purpose->choose_shrink(purpose->context, size->width, size->height) : 1;
   key = key_of_decoded(file, shrink);
   const char *entry = sc_store_find(&key, &bytes);
   if (!entry) return SC_OK;
   Decoded decoded;
   memcpy(&decoded, entry, sizeof decoded);
   *out = decoded.photo;
   ScStatus status =
       sc_photo_reserve(out, bytes - sizeof decoded, 0, purpose, limits ? limits : &sc_image_limits);
   if (status) {
      *out = (ScPhoto){0};
      return sc_wrap(status, "%s: ", file->path);
   }
   if (purpose->digest) *purpose->digest = decoded.digest;
   *found = copy_pixels(entry + sizeof decoded, &out->image);
   if (!*found) sc_photo_free(out);
   return SC_OK;
}

// Notes what a decoder tells, and whether it asks.
typedef struct {
   const ScPurpose *purpose;
   int orientation;
   bool asked;
} Asking;

static ScStatus begin(void *context, int width, int height, int orientation) {
   Asking *asking = context;
   const ScPurpose *purpose = asking->purpose;
   asking->orientation = orientation;
   return purpose->begin ? purpose->begin(purpose->context, width, height, orientation) : SC_OK;
}

static int choose_shrink(void *context, int width, int height) {
   Asking *asking = context;
   asking->asked = true;
   return asking->purpose->choose_shrink(asking->purpose->context, width, height);
}

static ScStatus ask_room(void *context, int width, int height, int shrink, size_t *bytes) {
   const ScPurpose *purpose = ((Asking *)context)->purpose;
   return purpose->ask_room(purpose->context, width, height, shrink, bytes);
}

static void keep(const ScKeptFile *file, const Asking *asking, const Decoded *decoded) {
   size_t bytes = bytes_of(&decoded->photo.image);
   if (!has_room(bytes + sizeof *decoded) || !is_unchanged(file)) return;
   Size size = {decoded->photo.width, decoded->photo.height, asking->orientation, asking->asked};
   ScStoreKey key = key_of_size(file, asking->purpose);
   sc_store_keep(&key, &size, sizeof size, NULL, 0);
   Decoded plain = *decoded;
   plain.photo.image.rgb = NULL, plain.photo.share = 0;
   key = key_of_decoded(file, decoded->photo.shrink);
   sc_store_keep(&key, &plain, sizeof plain, decoded->photo.image.rgb, bytes);
}

ScStatus sc_kept_decode(const char *path, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   ScKeptFile file;
   bool found;
   if (!sc_kept_file(path, limits, &file)) return sc_image_decode_photo(path, limits, purpose, out);
   SC_TRY(find(&file, limits, purpose, out, &found));
   if (found) return SC_OK;
   Asking asking = {.purpose = purpose};
   Decoded decoded = {0};
   ScPurpose own = {.begin = begin,
                    .choose_shrink = purpose->choose_shrink ? choose_shrink : NULL,
                    .ask_room = purpose->ask_room ? ask_room : NULL,
                    .context = &asking,
                    .digest = &decoded.digest};
   SC_TRY(sc_image_decode_photo(path, limits, &own, out));
   if (purpose->digest) *purpose->digest = decoded.digest;
   decoded.photo = *out;
   keep(&file, &asking, &decoded);
   return SC_OK;
}
