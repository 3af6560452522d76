// The resampling under host/image_transform.c.
#ifndef SCUTE_IMAGE_RESIZE_H
#define SCUTE_IMAGE_RESIZE_H

#include "host/image_internal.h"

// The part at (x, y) of that width and height, of an image resized to to_width x to_height. It lies inside.
typedef struct {
   int to_width, to_height, x, y, width, height;
} ScWindow;

ScStatus sc_image_resize_window(const ScImage *, const ScWindow *, ScFilter, ScImage *out);

#endif
