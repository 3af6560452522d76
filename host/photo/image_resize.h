// Pillow's antialiased 8-bit resampling.
#ifndef SCUTE_IMAGE_RESIZE_H
#define SCUTE_IMAGE_RESIZE_H

#include "host/photo/image.h"

typedef enum { SC_BILINEAR, SC_BICUBIC } ScFilter;

// The part at (x, y) of that width and height, of an image resized to to_width x to_height. It lies inside.
typedef struct {
   int to_width, to_height, x, y, width, height;
} ScWindow;

ScStatus sc_image_resize_window(const ScImage *, const ScWindow *, ScFilter, ScImage *out);

// An area between pixels, as Pillow's `box`.
typedef struct {
   double x, y, width, height;
} ScBox;

// What `box` covers, at width x height pixels. Only the pixels of `part`, which contains the box and lies
// inside the image, are seen: with both the same this is Pillow's crop and then resize. Coordinates are the
// image's.
ScStatus sc_image_resize_part(const ScImage *, const ScRect *part, const ScBox *box, int width, int height,
                              ScFilter, ScImage *out);

#endif
