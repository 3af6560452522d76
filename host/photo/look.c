#include "host/photo/look.h"

#include <zlib.h>

// Sums up `count` pixels.
static void add(const unsigned char *rgb, int count, uint64_t sum[3]) {
   uint64_t red = 0, green = 0, blue = 0;
   for (int i = 0; i < count; i++) {
      red += rgb[3 * i];
      green += rgb[3 * i + 1];
      blue += rgb[3 * i + 2];
   }
   sum[0] += red;
   sum[1] += green;
   sum[2] += blue;
}

// Where a part of the photo begins, in the pixels that were decoded.
static int edge(int part, int whole, int shrink, double before, int decoded) {
   int at = (int)((double)whole * part / SC_LOOK_GRID / shrink + before + 0.5);
   return at < decoded ? at : decoded;
}

static void mean_of(const ScPhoto *photo, int column, int row, unsigned char mean[3]) {
   const ScImage *image = &photo->image;
   int x = edge(column, photo->width, photo->shrink, photo->left, image->width);
   int end_x = edge(column + 1, photo->width, photo->shrink, photo->left, image->width);
   int y = edge(row, photo->height, photo->shrink, photo->top, image->height);
   int end_y = edge(row + 1, photo->height, photo->shrink, photo->top, image->height);
   uint64_t sum[3] = {0}, count = (uint64_t)(end_x - x) * (uint64_t)(end_y - y);
   for (int at = y; at < end_y; at++)
      add(image->rgb + 3 * ((size_t)at * (size_t)image->width + (size_t)x), end_x - x, sum);
   for (int c = 0; c < 3; c++) mean[c] = count ? (unsigned char)((sum[c] + count / 2) / count) : 0;
}

void sc_look_at(const ScPhoto *photo, ScLook *out) {
   const ScImage *image = &photo->image;
   size_t bytes = 3 * (size_t)image->width * (size_t)image->height;
   *out = (ScLook){photo->width, photo->height, photo->shrink, 0, {0}};
   if (photo->shrink == 1) out->pixels = (uint32_t)crc32_z(0, image->rgb, bytes);
   for (int row = 0; row < SC_LOOK_GRID; row++)
      for (int column = 0; column < SC_LOOK_GRID; column++)
         mean_of(photo, column, row, out->parts + 3 * (SC_LOOK_GRID * row + column));
}
