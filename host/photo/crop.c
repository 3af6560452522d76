#include "host/photo/crop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/photo/area.h"
#include "host/photo/image_orient.h"

// A crop that is being decoded.
typedef struct {
   const ScPurpose *purpose; // the caller's
   const ScCrop *crop;
   int width, height; // of the whole photo, upright
   ScTurn turn;       // that makes it upright
   bool is_stored;    // whether box and mask are of the picture as it is stored
   ScRect frame;      // the whole picture that they are of
   ScRect in_frame;   // the box there
   ScRect box;        // and in the upright photo
   bool is_cut;
} Job;

bool sc_crop_is_none(const ScCrop *crop) {
   return !crop || (!crop->has_box && crop->mask.kind == SC_MASK_NONE);
}

// ---- which picture it is of ----

typedef struct {
   bool shown, stored; // which of them it can be
} Fits;

static ScStatus fit_size(const Job *job, const char *what, int64_t width, int64_t height, Fits *fits) {
   if (width == 0 && height == 0) return SC_OK;
   bool swap = job->turn.swap;
   fits->shown = fits->shown && width == job->width && height == job->height;
   fits->stored = fits->stored && width == (swap ? job->height : job->width) &&
                  height == (swap ? job->width : job->height);
   if (fits->shown || fits->stored) return SC_OK;
   return sc_fail(SC_EFORMAT, "the %s is of a photo of %lld x %lld pixels, and this one has %d x %d%s", what,
                  (long long)width, (long long)height, job->width, job->height,
                  swap ? " (as it is shown, turned by its EXIF orientation)" : "");
}

static ScStatus choose_picture(Job *job) {
   const ScCrop *crop = job->crop;
   Fits fits = {crop->pixels != SC_PIXELS_STORED, crop->pixels != SC_PIXELS_SHOWN};
   SC_TRY(fit_size(job, "mask", crop->mask.width, crop->mask.height, &fits));
   SC_TRY(fit_size(job, "box", crop->width, crop->height, &fits));
   job->is_stored = !fits.shown;
   bool swap = job->is_stored && job->turn.swap;
   job->frame = (ScRect){0, 0, swap ? job->height : job->width, swap ? job->width : job->height};
   return SC_OK;
}

// ---- the box ----

static ScStatus refuse_box(const Job *job, const char *why) {
   const ScBox *b = &job->crop->box;
   return sc_fail(SC_EFORMAT, "the box (x %g, y %g, width %g, height %g) %s; the photo has %d x %d pixels",
                  b->x, b->y, b->width, b->height, why, job->frame.width, job->frame.height);
}

// From `start` on, `length` long, in whole pixels of the first `most`; false where none is left.
static bool round_side(double start, double length, int most, int *first, int *count, bool *is_cut) {
   double from = rint(start), to = rint(start + length);
   *is_cut = *is_cut || from < -1 || to > most + 1.0;
   from = from < 0 ? 0 : from;
   to = to > most ? most : to;
   if (!(from < to)) return false;
   *first = (int)from;
   *count = (int)to - (int)from;
   return true;
}

static ScStatus place_box(Job *job) {
   const ScBox *b = &job->crop->box;
   job->in_frame = job->frame;
   if (!job->crop->has_box) return SC_OK;
   if (!isfinite(b->x) || !isfinite(b->y) || !(b->width > 0) || !(b->height > 0) || isinf(b->width) ||
       isinf(b->height))
      return refuse_box(job, "is empty");
   if (b->x >= job->frame.width || b->y >= job->frame.height || b->x + b->width <= 0 || b->y + b->height <= 0)
      return refuse_box(job, "lies outside of the photo");
   ScRect *in = &job->in_frame;
   if (!round_side(b->x, b->width, job->frame.width, &in->x, &in->width, &job->is_cut) ||
       !round_side(b->y, b->height, job->frame.height, &in->y, &in->height, &job->is_cut))
      return refuse_box(job, "has less than a pixel of it");
   return SC_OK;
}

// ---- what the decoder asks ----

static ScStatus begin(void *context, int width, int height, int orientation) {
   Job *job = context;
   job->width = width, job->height = height;
   job->turn = sc_turn(orientation);
   job->is_cut = false;
   SC_TRY(choose_picture(job));
   SC_TRY(place_box(job));
   job->box = job->in_frame;
   if (job->is_stored) job->box = sc_turn_upright(&job->turn, width, height, job->box);
   const ScPurpose *p = job->purpose; // which gets an upright photo as large as the box
   return p->begin ? p->begin(p->context, job->box.width, job->box.height, 1) : SC_OK;
}

static int choose_shrink(void *context, int width, int height) {
   const Job *job = context;
   (void)width, (void)height;
   return job->purpose->choose_shrink(job->purpose->context, job->box.width, job->box.height);
}

// The photo as if it ended at the box's edges.
static ScPhoto as_box(const Job *job, const ScPhoto *photo) {
   ScBox box = sc_area_decoded(photo, &job->box);
   ScPhoto seen = *photo;
   seen.width = job->box.width, seen.height = job->box.height;
   seen.left = box.x, seen.top = box.y;
   return seen;
}

// The pixels of the box, in a picture as it was decoded.
static ScRect pixels_of(const Job *job, const ScPhoto *photo, int across, int down) {
   ScBox box = sc_area_decoded(photo, &job->box);
   ScRect touched = sc_area_touched(&box);
   return sc_area_inside(&touched, &(ScRect){0, 0, across, down});
}

static ScRect choose_part(void *context, const ScPhoto *photo, int across, int down) {
   const Job *job = context;
   const ScPurpose *p = job->purpose;
   ScRect box = pixels_of(job, photo, across, down);
   if (!p->choose_part) return box;
   ScPhoto seen = as_box(job, photo);
   ScRect part = p->choose_part(p->context, &seen, across, down);
   return sc_area_inside(&part, &box);
}

static ScStatus ask_room(void *context, int width, int height, int shrink, size_t *bytes) {
   const Job *job = context;
   const ScPurpose *p = job->purpose;
   (void)width, (void)height;
   if (p->ask_room) SC_TRY(p->ask_room(p->context, job->box.width, job->box.height, shrink, bytes));
   if (job->crop->mask.kind != SC_MASK_NONE) *bytes += (size_t)job->box.width * (size_t)job->box.height;
   return SC_OK;
}

// ---- pixels ----

// Leaves what lies in `part`, where it is.
static void keep_part(ScImage *image, const ScRect *part) {
   size_t pitch = (size_t)image->width * 3, row = (size_t)part->width * 3;
   for (int y = 0; y < part->height; y++)
      memmove(image->rgb + (size_t)y * row, image->rgb + (size_t)(part->y + y) * pitch + (size_t)part->x * 3,
              row);
   image->width = part->width;
   image->height = part->height;
}

static void cut_out(const Job *job, ScPhoto *photo) {
   ScRect part = pixels_of(job, photo, photo->image.width, photo->image.height);
   *photo = as_box(job, photo);
   if (part.width < photo->image.width || part.height < photo->image.height) keep_part(&photo->image, &part);
   photo->left -= part.x;
   photo->top -= part.y;
}

// Where the mask of the upright pixel (x, y) of the box lies: base + x * across + y * down.
typedef struct {
   ptrdiff_t base, across, down;
} Walk;

static Walk walk_of(const Job *job) {
   ScTurn turn = job->is_stored ? job->turn : (ScTurn){0};
   ptrdiff_t column = job->in_frame.height; // of the mask, whose columns are one behind the other
   Walk w = {0, turn.swap ? 1 : column, turn.swap ? column : 1};
   if (turn.from_right) w.base += (job->box.width - 1) * w.across, w.across = -w.across;
   if (turn.from_below) w.base += (job->box.height - 1) * w.down, w.down = -w.down;
   return w;
}

// The pixel of the photo that the middle of a decoded one lies in.
static int place_of(int decoded, double before, int shrink, int most) {
   int at = (int)floor((decoded + 0.5 - before) * shrink);
   return at < 0 ? 0 : at >= most ? most - 1 : at;
}

// In strips, since one of the two may be walked across its rows.
static void paint_outside(const Job *job, const unsigned char *mask, ScPhoto *photo) {
   enum { STRIP = 64 };
   ScImage *image = &photo->image;
   Walk w = walk_of(job);
   ptrdiff_t places[STRIP];
   for (int x0 = 0; x0 < image->width; x0 += STRIP) {
      int count = image->width - x0 < STRIP ? image->width - x0 : STRIP;
      for (int i = 0; i < count; i++)
         places[i] = w.across * place_of(x0 + i, photo->left, photo->shrink, photo->width);
      for (int y = 0; y < image->height; y++) {
         const unsigned char *row =
             mask + w.base + w.down * place_of(y, photo->top, photo->shrink, photo->height);
         unsigned char *to = image->rgb + ((size_t)y * (size_t)image->width + (size_t)x0) * 3;
         for (int i = 0; i < count; i++)
            if (!row[places[i]]) memcpy(to + 3 * i, job->crop->outside, 3);
      }
   }
}

static ScStatus apply_mask(const Job *job, ScPhoto *photo) {
   const ScMask *mask = &job->crop->mask;
   if (mask->kind == SC_MASK_NONE) return SC_OK;
   size_t size = (size_t)job->in_frame.width * (size_t)job->in_frame.height;
   unsigned char *drawn = malloc(size);
   if (!drawn) return sc_fail(SC_EMEM, "out of memory: %zu bytes", size);
   ScStatus status = sc_mask_draw(mask, job->frame.width, job->frame.height, &job->in_frame, drawn);
   if (!status && !memchr(drawn, 1, size))
      status = sc_fail(SC_EFORMAT, "the mask has no pixel%s", job->crop->has_box ? " within the box" : "");
   if (!status) paint_outside(job, drawn, photo);
   free(drawn);
   return status;
}

ScStatus sc_crop_decode(ScDecode decode, const char *path, const ScImageLimits *limits,
                        const ScPurpose *purpose, const ScCrop *crop, ScPhoto *out, bool *is_cut) {
   *is_cut = false;
   if (sc_crop_is_none(crop)) return decode(path, limits, purpose, out);
   Job job = {.purpose = purpose, .crop = crop};
   ScPurpose own = {.begin = begin,
                    .choose_shrink = purpose->choose_shrink ? choose_shrink : NULL,
                    .choose_part = crop->has_box || purpose->choose_part ? choose_part : NULL,
                    .ask_room = ask_room,
                    .context = &job,
                    .digest = purpose->digest};
   SC_TRY(decode(path, limits, &own, out));
   cut_out(&job, out);
   *is_cut = job.is_cut;
   ScStatus status = apply_mask(&job, out);
   if (!status) return SC_OK;
   sc_photo_free(out);
   return sc_wrap(status, "%s: ", path);
}
