// What the decoders of the single formats share. Their messages leave the file's name to
// host/photo/image_decode.c.
#ifndef SCUTE_IMAGE_FORMAT_H
#define SCUTE_IMAGE_FORMAT_H

#include <stdatomic.h>

#include "host/photo/image.h"

typedef struct {
   int64_t max_pixels; // of the image as its header states it, checked before anything is decoded
   int64_t max_bytes;  // of the file
   const atomic_bool
       *given_up; // NULL, or what ends waiting for memory (see host/photo/budget.h) where it gets true
} ScImageLimits;

extern const ScImageLimits sc_image_limits; // the default: 100 megapixels, 512 MiB

typedef struct {
   const unsigned char *data;
   size_t size;
} ScBytes;

// By which a file is known again under another name.
typedef struct {
   uint32_t crc; // CRC-32 of its bytes
   int64_t size; // how many there are
} ScDigest;

typedef struct {
   ScImage image;
   int width, height; // of the whole photo, upright
   int shrink;        // a pixel of `image` stands for shrink x shrink of the photo
   double left, top; // where the photo begins in `image`: above 0 where an incomplete first pixel stands there,
                     // below where only a part was decoded
   bool lacks_end;   // the file ends early, behind the last pixel
   size_t share;     // bytes of the budget that are the photo's (see host/photo/budget.h)
} ScPhoto;

// What a photo is decoded for; all zero where its pixels are all that is wanted. The functions get the size of
// the upright photo.
typedef struct {
   // Hears of it first of all, and how it is stored: its EXIF orientation, 0 or 1 where it is not turned. May
   // refuse the photo.
   ScStatus (*begin)(void *context, int width, int height, int orientation);
   // What part of its size a JPEG is decoded at: 1, 2, 4 or 8. Other formats are decoded whole, without asking.
   int (*choose_shrink)(void *context, int width, int height);
   // Which part of the picture, upright and as it is decoded, will be looked at; it lies inside, and NULL is
   // all of it. A JPEG is decoded there alone, and around it as far as that has a bearing on its pixels, which
   // are the same as if all were decoded.
   ScRect (*choose_part)(void *context, const ScPhoto *, int across, int down);
   // The bytes that will be wanted beside the pixels; may refuse the photo.
   ScStatus (*ask_room)(void *context, int width, int height, int shrink, size_t *bytes);
   void *context;
   ScDigest *digest; // NULL, or where the digest of the file goes
} ScPurpose;

// What is said of a photo that lacks its end.
#define SC_LACKS_END "the file's end is missing; the picture is whole"

// SC_EFORMAT if the header's size is empty or beyond the limit.
ScStatus sc_image_check_size(int64_t width, int64_t height, const ScImageLimits *);

// SC_EMEM if there is no block of that size. For libraries that do not take lack of memory well: it is asked
// for before, and given back.
ScStatus sc_image_check_memory(size_t bytes);

// Before its pixels are made: waits for the memory of a photo whose width, height and shrink are known.
// `pixels`: bytes of the decoded image; `beside`: what the decoder takes besides, until it is done.
ScStatus sc_photo_reserve(ScPhoto *, size_t pixels, size_t beside, const ScPurpose *, const ScImageLimits *);
// For a photo that is decoded whole, as it is stored, and turned then.
ScStatus sc_photo_reserve_whole(ScPhoto *, int width, int height, int orientation, size_t beside,
                                const ScPurpose *, const ScImageLimits *);
void sc_photo_free(ScPhoto *); // gives the memory back, and empties it

#endif
