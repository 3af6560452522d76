// Sizes, crops and padding as torchvision reckons them on PIL images, and the way from bytes to floats.
#ifndef SCUTE_IMAGE_TRANSFORM_H
#define SCUTE_IMAGE_TRANSFORM_H

#include "host/photo/image_resize.h"

// What evaluation does to a photo before the network sees it.
typedef struct {
   bool pad_square; // to a square on white, first of all
   int resize;      // short side in pixels; 0 leaves the size as it is
   int crop;        // side of the center crop in pixels; 0 leaves it uncropped
   ScFilter filter;
   float mean[3], std[3]; // RGB, in the range 0..1
} ScPreprocess;

// torchvision's Resize(size): the short side becomes `size`, the long side int(size * long / short), with
// Pillow's antialiased 8-bit resampling.
ScStatus sc_image_resize(const ScImage *, int size, ScFilter, ScImage *out);
// Pillow's resize to exactly (width, height).
ScStatus sc_image_resize_to(const ScImage *, int width, int height, ScFilter, ScImage *out);
// torchvision's CenterCrop(size): starts at int(round((H - size) / 2)), half to even; pads with black where the
// image is smaller.
ScStatus sc_image_center_crop(const ScImage *, int size, ScImage *out);
// torchvision's resized_crop: cuts `crop` out, then Pillow's resize. The crop lies inside the image.
ScStatus sc_image_resized_crop(const ScImage *, const ScRect *crop, int width, int height, ScFilter,
                               ScImage *out);
// Whether the square that a photo of that size is put on has at most four times the pixels that a photo may
// have.
ScStatus sc_image_check_square(int width, int height);
// Centered on a white square of the longer side; the odd pixel goes to the right and below.
ScStatus sc_image_pad_square(const ScImage *, ScImage *out);
// pad_square, resize and crop of `p` in one go; equal to the three in a row, but only what the crop shows is
// computed.
ScStatus sc_image_preprocess(const ScImage *, const ScPreprocess *p, ScImage *out);
// Every field in range? SC_EARG otherwise.
ScStatus sc_preprocess_check(const ScPreprocess *);

// (v / 255 - mean) / std in float32, in (H, W, 3) order: ToTensor and Normalize.
void sc_image_to_float(const ScImage *, const float mean[3], const float std[3], float *out);

#endif
