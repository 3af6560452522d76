// What the decoders of the single formats share. Their messages leave the file's name to
// host/photo/image_decode.c.
#ifndef SCUTE_IMAGE_FORMAT_H
#define SCUTE_IMAGE_FORMAT_H

#include "host/photo/image.h"

typedef struct {
   int64_t max_pixels; // of the image as its header states it, checked before anything is decoded
   int64_t max_bytes;  // of the file
} ScImageLimits;

extern const ScImageLimits sc_image_limits; // the default: 100 megapixels, 512 MiB

typedef struct {
   const unsigned char *data;
   size_t size;
} ScBytes;

// What part of its size a JPEG is decoded at: `choose` gets the size of the upright photo and answers 1, 2, 4
// or 8. Other formats are decoded whole, without asking.
typedef struct {
   int (*choose)(void *context, int width, int height);
   void *context;
} ScShrink;

typedef struct {
   ScImage image;
   int width, height; // of the whole photo, upright
   int shrink;        // a pixel of `image` stands for shrink x shrink of the photo
   double left, top;  // where the photo begins in `image`; not 0 where an incomplete first pixel stands there
} ScPhoto;

// SC_EFORMAT if the header's size is empty or beyond the limit.
ScStatus sc_image_check_size(int64_t width, int64_t height, const ScImageLimits *);

#endif
