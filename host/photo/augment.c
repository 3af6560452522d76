#include "host/photo/augment.h"

#include <string.h>

#include "host/core/rng.h"
#include "host/core/store.h"
#include "host/photo/area.h"
#include "host/photo/image_color.h"
#include "host/photo/image_decode.h"
#include "host/photo/image_transform.h"
#include "host/photo/image_warp.h"
#include "host/photo/kept.h"

// ---- the random crop ----

typedef struct {
   const ScPreprocess *preprocess;
   const ScAugment *augment;
   const ScSample *sample;
} Plan;

// Where the photo lies on the square that it is padded to; nowhere else without padding.
static ScRect canvas(const Plan *plan, int width, int height) {
   if (!plan->preprocess->pad_square) return (ScRect){0, 0, width, height};
   int side = width > height ? width : height;
   return (ScRect){(side - width) / 2, (side - height) / 2, side, side};
}

// In coordinates of the photo; with padding it may reach outside.
static ScRect draw_crop(const Plan *plan, int width, int height) {
   ScRect c = canvas(plan, width, height);
   ScRect crop = sc_augment_draw_crop(plan->augment, plan->sample, c.width, c.height);
   crop.x -= c.x;
   crop.y -= c.y;
   return crop;
}

// ---- what the photo is decoded for ----

// The smaller inverse cosine transforms average about as a resize does. At least a factor of two is left to the
// resize, which hides the rest of the difference (Pillow's thumbnail() takes the same factor) and means that
// nothing is ever scaled up.
static int choose_shrink(void *context, int width, int height) {
   const Plan *plan = context;
   ScRect crop = draw_crop(plan, width, height);
   int64_t side = crop.width < crop.height ? crop.width : crop.height;
   int shrink = 8;
   while (shrink > 1 && side < (int64_t)2 * shrink * plan->preprocess->crop) shrink /= 2;
   return shrink;
}

// Only what the crop shows. Of one that shows nothing but the canvas, some pixel.
static ScRect choose_part(void *context, const ScPhoto *photo, int across, int down) {
   const Plan *plan = context;
   ScRect crop = draw_crop(plan, photo->width, photo->height);
   ScBox box = sc_area_decoded(photo, &crop);
   ScRect part = sc_area_touched(&box);
   return sc_area_inside(&part, &(ScRect){0, 0, across, down});
}

// The white canvas, or the part of it that a crop shows; what lies between the two passes of the resize (no
// more than the longer side by the crop) with its weights; and a few copies of the crop.
static ScStatus ask_room(void *context, int width, int height, int shrink, size_t *bytes) {
   enum { COPIES = 4, WEIGHTS = 64 };
   const Plan *plan = context;
   const ScPreprocess *p = plan->preprocess;
   ScRect seen = canvas(plan, width, height);
   if (p->pad_square) SC_TRY(sc_image_check_square(width, height));
   if (plan->augment->crop) seen = draw_crop(plan, width, height);
   size_t w = (size_t)(seen.width / shrink + 2), h = (size_t)(seen.height / shrink + 2), crop = (size_t)p->crop;
   *bytes = (p->pad_square ? w * h * 3 : 0) + (w > h ? w : h) * (3 * crop + WEIGHTS) + COPIES * 3 * crop * crop;
   return SC_OK;
}

// ---- the crop, in pixels ----

// A part of the image that may reach outside, where it is white.
static ScStatus cut_on_white(const ScImage *image, const ScRect *part, ScImage *out) {
   SC_TRY(sc_image_new(part->width, part->height, out));
   size_t pitch = (size_t)part->width * 3;
   memset(out->rgb, 255, pitch * (size_t)part->height);
   int left = part->x < 0 ? 0 : part->x, right = part->x + part->width;
   if (right > image->width) right = image->width;
   for (int y = part->y < 0 ? 0 : part->y; y < part->y + part->height && y < image->height && left < right; y++)
      memcpy(out->rgb + (size_t)(y - part->y) * pitch + (size_t)(left - part->x) * 3,
             image->rgb + ((size_t)y * (size_t)image->width + (size_t)left) * 3, (size_t)(right - left) * 3);
   return SC_OK;
}

static bool is_inside(const ScImage *image, const ScRect *part) {
   return part->x >= 0 && part->y >= 0 && part->x + part->width <= image->width &&
          part->y + part->height <= image->height;
}

static ScStatus crop_photo(const ScPhoto *photo, const Plan *plan, ScImage *out) {
   ScRect crop = draw_crop(plan, photo->width, photo->height);
   ScBox box = sc_area_decoded(photo, &crop);
   ScRect part = sc_area_touched(&box);
   int size = plan->preprocess->crop;
   if (is_inside(&photo->image, &part))
      return sc_image_resize_part(&photo->image, &part, &box, size, size, plan->preprocess->filter, out);
   ScImage padded;
   SC_TRY(cut_on_white(&photo->image, &part, &padded));
   box.x -= part.x, box.y -= part.y, part.x = part.y = 0;
   ScStatus status = sc_image_resize_part(&padded, &part, &box, size, size, plan->preprocess->filter, out);
   sc_image_free(&padded);
   return status;
}

static ScStatus fit(const ScPhoto *photo, const Plan *plan, ScImage *out) {
   return plan->augment->crop ? crop_photo(photo, plan, out)
                              : sc_image_preprocess(&photo->image, plan->preprocess, out);
}

// ---- what follows the crop ----

static ScStatus jitter_one(ScImage *image, ScJitter kind, double factor) {
   switch (kind) {
   case SC_JITTER_BRIGHTNESS: return sc_image_brightness(image, factor);
   case SC_JITTER_CONTRAST: return sc_image_contrast(image, factor);
   case SC_JITTER_SATURATION: return sc_image_saturation(image, factor);
   default: return sc_image_hue(image, factor);
   }
}

static ScStatus jitter(ScImage *image, const ScAugment *a, const ScSample *s) {
   ScJitter order[SC_JITTERS];
   double factor[SC_JITTERS];
   sc_augment_draw_jitter(a, s, order, factor);
   for (int i = 0; i < SC_JITTERS; i++)
      if (a->jitter[order[i]]) SC_TRY(jitter_one(image, order[i], factor[order[i]]));
   return SC_OK;
}

static ScStatus follow_policy(ScImage *image, const ScAugment *a, const ScSample *s) {
   int count = a->policy == SC_POLICY_NONE ? 0 : a->policy == SC_POLICY_TRIVIAL ? 1 : a->policy_count;
   for (int step = 0; step < count; step++) {
      double magnitude;
      ScEffect effect = sc_augment_draw_effect(a, s, step, image->width, image->height, &magnitude);
      SC_TRY(sc_image_effect(image, effect, magnitude, a->policy_warp, a->policy_fill));
   }
   return SC_OK;
}

static ScStatus change_pixels(ScImage *image, const ScAugment *a, const ScSample *s) {
   if (sc_augment_draw_flip(a, s)) SC_TRY(sc_image_flip(image));
   if (a->rotate)
      SC_TRY(sc_image_rotate(image, sc_augment_draw_degrees(a, s), a->rotation_warp, a->rotation_fill));
   SC_TRY(jitter(image, a, s));
   return follow_policy(image, a, s);
}

// Keeps the noise apart from every other draw of this seed.
static const uint64_t noise_domain = 0x6e6f697365ULL;

static void erase(const ScAugment *a, const ScSample *s, int width, int height, float *pixels) {
   ScRect hole = sc_augment_draw_erase(a, s, width, height);
   for (int y = 0; y < hole.height; y++) {
      float *to = pixels + ((size_t)(hole.y + y) * (size_t)width + (size_t)hole.x) * 3;
      for (int i = 0; i < hole.width * 3; i++)
         to[i] = a->erase_noise ? (float)sc_normal(s->seed ^ noise_domain, s->epoch << 40 | s->index,
                                                   (uint64_t)y * (uint64_t)hole.width * 3 + (uint64_t)i)
                                : a->erase_value[i % 3];
   }
}

// All that is done to bytes.
static ScStatus prepare(const ScPhoto *photo, const Plan *plan, ScImage *out) {
   SC_TRY(fit(photo, plan, out));
   ScStatus status = change_pixels(out, plan->augment, plan->sample);
   if (status) sc_image_free(out);
   return status;
}

static void to_float(const ScImage *image, const Plan *plan, float *out) {
   sc_image_to_float(image, plan->preprocess->mean, plan->preprocess->std, out);
   erase(plan->augment, plan->sample, image->width, image->height, out);
}

// ---- entry ----

static ScStatus check_plan(const Plan *plan) {
   SC_TRY(sc_preprocess_check(plan->preprocess));
   SC_TRY(sc_augment_check(plan->augment));
   if (plan->preprocess->crop < 1)
      return sc_fail(SC_EARG, "augment: crop: expected at least 1 pixel, found none");
   if (plan->sample->epoch >> 24 || plan->sample->index >> 40)
      return sc_fail(SC_EARG,
                     "augment: expected an epoch below 2^24 and an index below 2^40, found %llu and %llu",
                     (unsigned long long)plan->sample->epoch, (unsigned long long)plan->sample->index);
   return SC_OK;
}

// The photo, decoded as far as the plan needs it; where views are drawn at random, it is kept, whole, for those
// of the next run.
static ScStatus decode(const char *path, const ScImageLimits *limits, Plan *plan, ScPrepared *prepared,
                       ScPhoto *out) {
   const ScAugment *a = plan->augment;
   ScPurpose purpose = {.choose_shrink = a->crop && !a->exact_decode ? choose_shrink : NULL,
                        .choose_part = a->crop && !plan->sample->look ? choose_part : NULL,
                        .ask_room = ask_room,
                        .context = plan,
                        .digest = plan->sample->digest || sc_store_is_open() ? &prepared->digest : NULL};
   ScDecode decoder = sc_augment_is_none(a) ? sc_image_decode_photo : sc_kept_decode;
   return sc_crop_decode(decoder, path, limits, &purpose, plan->sample->crop, out, &prepared->is_cut);
}

static ScStatus prepare_anew(const char *path, const ScImageLimits *limits, Plan *plan, ScPrepared *out) {
   ScPhoto photo;
   SC_TRY(decode(path, limits, plan, out, &photo));
   if (plan->sample->look || sc_store_is_open()) sc_look_at(&photo, &out->look);
   ScStatus status = prepare(&photo, plan, &out->image);
   out->lacks_end = photo.lacks_end;
   sc_photo_free(&photo);
   return status ? sc_wrap(status, "%s: ", path) : SC_OK;
}

// What a plan without chance makes of a photo is kept for the next run.
static ScStatus prepare_file(const char *path, const ScImageLimits *limits, Plan *plan, ScPrepared *out) {
   ScKeptFile file;
   const ScCrop *crop = plan->sample->crop;
   SC_TRY(check_plan(plan));
   bool keeps = sc_augment_is_none(plan->augment) && sc_kept_file(path, limits, &file);
   if (keeps && sc_kept_find_prepared(&file, crop, plan->preprocess, out)) return SC_OK;
   SC_TRY(prepare_anew(path, limits, plan, out));
   if (keeps) sc_kept_keep_prepared(&file, crop, plan->preprocess, out);
   return SC_OK;
}

// What is told of a file beside its pixels.
static void tell(const ScPrepared *prepared, const ScSample *sample, bool *lacks_end) {
   if (sample->digest) *sample->digest = prepared->digest;
   if (sample->look) *sample->look = prepared->look;
   if (sample->is_cut) *sample->is_cut = prepared->is_cut;
   if (lacks_end) *lacks_end = prepared->lacks_end;
}

ScStatus sc_augment_load(const char *path, const ScImageLimits *limits, const ScPreprocess *p,
                         const ScAugment *a, const ScSample *s, float *out, bool *lacks_end) {
   Plan plan = {p, a, s};
   ScPrepared prepared;
   SC_TRY(prepare_file(path, limits, &plan, &prepared));
   to_float(&prepared.image, &plan, out);
   tell(&prepared, s, lacks_end);
   sc_image_free(&prepared.image);
   return SC_OK;
}

ScStatus sc_augment_load_bytes(const char *path, const ScImageLimits *limits, const ScPreprocess *p,
                               const ScAugment *a, const ScSample *s, unsigned char *out, bool *lacks_end) {
   Plan plan = {p, a, s};
   ScPrepared prepared;
   SC_TRY(prepare_file(path, limits, &plan, &prepared));
   const ScImage *image = &prepared.image;
   memcpy(out, image->rgb, (size_t)image->width * (size_t)image->height * 3);
   tell(&prepared, s, lacks_end);
   sc_image_free(&prepared.image);
   return SC_OK;
}

ScStatus sc_augment_image(const ScImage *image, const ScPreprocess *p, const ScAugment *a, const ScSample *s,
                          float *out) {
   Plan plan = {p, a, s};
   ScPhoto photo = {.image = *image, .width = image->width, .height = image->height, .shrink = 1};
   SC_TRY(check_plan(&plan));
   if (!image->rgb) return sc_fail(SC_EARG, "augment: expected pixels, found an empty image");
   ScImage prepared;
   SC_TRY(prepare(&photo, &plan, &prepared));
   to_float(&prepared, &plan, out);
   sc_image_free(&prepared);
   return SC_OK;
}
