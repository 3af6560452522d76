// Photos as pixels.
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

// Bytes that may be read behind the last pixel of every ScImage, so that the resize can load whole vectors.
enum { SC_IMAGE_SLACK = 64 };

// Whole pixels.
typedef struct {
   int x, y, width, height;
} ScRect;

// An image of that size with uninitialised pixels.
ScStatus sc_image_new(int width, int height, ScImage *out);
void sc_image_free(ScImage *); // and makes it empty

#endif
