// Photos: decode by content, turn by EXIF orientation, resize and crop as torchvision does on PIL images.
//
// Not here: colour management (embedded profiles are ignored, as PIL and torchvision do) and animation (the
// first frame of a GIF counts).
#ifndef SCUTE_IMAGE_H
#define SCUTE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/status.h"

// 8-bit RGB, row by row, three bytes a pixel without padding between rows; always made by a function of this
// header, which leaves some readable bytes behind the last pixel. All zero is an empty image.
typedef struct {
   int width, height;
   unsigned char *rgb;
} ScImage;

typedef struct {
   int64_t max_pixels; // of the image as its header states it, checked before anything is decoded
   int64_t max_bytes;  // of the file
} ScImageLimits;

extern const ScImageLimits sc_image_limits; // the default: 100 megapixels, 512 MiB

typedef enum { SC_BILINEAR, SC_BICUBIC } ScFilter;

// What evaluation does to a photo before the network sees it.
typedef struct {
   bool pad_square; // to a square on white, first of all
   int resize;      // short side in pixels; 0 leaves the size as it is
   int crop;        // side of the center crop in pixels; 0 leaves it uncropped
   ScFilter filter;
   float mean[3], std[3]; // RGB, in the range 0..1
} ScPreprocess;

// Decode the file at `path`, or `bytes` in memory (`name` is for messages): JPEG, PNG, BMP, GIF, whatever the
// name says. Transparency is put on white; EXIF orientation is applied. `limits` NULL means sc_image_limits. On
// failure `out` is empty and the message names the file; SC_EIO for what the disk refuses, SC_EFORMAT for what
// the file is.
ScStatus sc_image_decode(const char *path, const ScImageLimits *limits, ScImage *out);
ScStatus sc_image_decode_memory(const char *name, const void *bytes, size_t size, const ScImageLimits *limits,
                                ScImage *out);

// What part of its size a JPEG is decoded at: `choose` gets the size of the upright photo and answers 1, 2, 4
// or
// 8. Other formats are decoded whole, without asking.
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

// sc_image_decode at a part of the size, at a part of the price: what libjpeg-turbo's smaller inverse cosine
// transforms leave out.
ScStatus sc_image_decode_shrunk(const char *path, const ScImageLimits *limits, ScShrink, ScPhoto *out);

// An image of that size with uninitialised pixels.
ScStatus sc_image_new(int width, int height, ScImage *out);
void sc_image_free(ScImage *); // and makes it empty

// torchvision's Resize(size): the short side becomes `size`, the long side int(size * long / short), with
// Pillow's antialiased 8-bit resampling.
ScStatus sc_image_resize(const ScImage *, int size, ScFilter, ScImage *out);
// Pillow's resize to exactly (width, height).
ScStatus sc_image_resize_to(const ScImage *, int width, int height, ScFilter, ScImage *out);
// torchvision's CenterCrop(size): starts at int(round((H - size) / 2)), half to even; pads with black where the
// image is smaller.
ScStatus sc_image_center_crop(const ScImage *, int size, ScImage *out);
// Whole pixels.
typedef struct {
   int x, y, width, height;
} ScRect;

// torchvision's resized_crop: cuts `crop` out, then Pillow's resize. The crop lies inside the image.
ScStatus sc_image_resized_crop(const ScImage *, const ScRect *crop, int width, int height, ScFilter,
                               ScImage *out);
// Centered on a white square of the longer side; the odd pixel goes to the right and below.
ScStatus sc_image_pad_square(const ScImage *, ScImage *out);
// pad_square, resize and crop of `p` in one go; equal to the three in a row, but only what the crop shows is
// computed.
ScStatus sc_image_preprocess(const ScImage *, const ScPreprocess *p, ScImage *out);
// Every field in range? SC_EARG otherwise.
ScStatus sc_preprocess_check(const ScPreprocess *);

// (v / 255 - mean) / std in float32, in (H, W, 3) order: ToTensor and Normalize.
void sc_image_to_float(const ScImage *, const float mean[3], const float std[3], float *out);

// The content of a PNG file, to be freed by the caller.
ScStatus sc_image_encode_png(const ScImage *, unsigned char **png, size_t *size);

#endif
