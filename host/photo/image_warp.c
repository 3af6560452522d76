// Pillow's affine transform, and what torchvision makes with it.
#include "host/photo/image_warp.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ScStatus check(const ScImage *image, const char *function, double magnitude) {
   if (!image->rgb) return sc_fail(SC_EARG, "%s: expected pixels, found an empty image", function);
   if (isfinite(magnitude)) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected a finite number, found %g", function, magnitude);
}

ScStatus sc_image_flip(ScImage *image) {
   SC_TRY(check(image, "flip", 0));
   for (int y = 0; y < image->height; y++) {
      unsigned char *left = image->rgb + (size_t)y * (size_t)image->width * 3;
      unsigned char *right = left + (size_t)(image->width - 1) * 3;
      for (; left < right; left += 3, right -= 3)
         for (int c = 0; c < 3; c++) {
            unsigned char kept = left[c];
            left[c] = right[c], right[c] = kept;
         }
   }
   return SC_OK;
}

static const unsigned char *pixel(const ScImage *image, int x, int y) {
   return image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3;
}

static void take(const ScImage *from, int64_t x, int64_t y, unsigned char *to, const unsigned char fill[3]) {
   bool inside = x >= 0 && x < from->width && y >= 0 && y < from->height;
   memcpy(to, inside ? pixel(from, (int)x, (int)y) : fill, 3);
}

// ---- nearest ----

// Pillow reckons in 16.16 fixed point where every coordinate fits.
static bool fits_fixed(const double m[6], int width, int height) {
   for (int corner = 0; corner < 4; corner++) {
      int x = corner & 1 ? width : 0, y = corner & 2 ? height : 0;
      if (!(fabs(x * m[0] + y * m[1] + m[2]) < 32768 && fabs(x * m[3] + y * m[4] + m[5]) < 32768)) return false;
   }
   return true;
}

static int64_t fixed(double value) {
   return (int64_t)floor(value * 65536.0 + 0.5);
}

static void warp_fixed(const ScImage *from, const double m[6], const unsigned char fill[3], ScImage *to) {
   int64_t step_x = fixed(m[0]), step_y = fixed(m[3]);
   int64_t row_x = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), row_y = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
   unsigned char *out = to->rgb;
   for (int y = 0; y < to->height; y++, row_x += fixed(m[1]), row_y += fixed(m[4])) {
      int64_t at_x = row_x, at_y = row_y;
      for (int x = 0; x < to->width; x++, out += 3, at_x += step_x, at_y += step_y)
         take(from, at_x >> 16, at_y >> 16, out, fill);
   }
}

static int64_t cell(double at) {
   return at < 0.0 ? -1 : at < 1e9 ? (int64_t)at : INT32_MAX;
}

static void warp_nearest(const ScImage *from, const double m[6], const unsigned char fill[3], ScImage *to) {
   unsigned char *out = to->rgb;
   for (int y = 0; y < to->height; y++)
      for (int x = 0; x < to->width; x++, out += 3)
         take(from, cell(m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2]),
              cell(m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5]), out, fill);
}

// ---- bilinear ----

static int clamp(int at, int length) {
   return at < 0 ? 0 : at < length ? at : length - 1;
}

// Between four pixels around (x, y), which lies inside; those beyond the edge are the edge's. Cut off to whole
// numbers.
static void mix(const ScImage *from, double x, double y, unsigned char *to) {
   int left = (int)floor(x - 0.5), above = (int)floor(y - 0.5);
   double dx = x - 0.5 - left, dy = y - 0.5 - above;
   int x0 = clamp(left, from->width), x1 = clamp(left + 1, from->width);
   int y0 = clamp(above, from->height), y1 = clamp(above + 1, from->height);
   const unsigned char *a = pixel(from, x0, y0), *b = pixel(from, x1, y0);
   const unsigned char *c = pixel(from, x0, y1), *d = pixel(from, x1, y1);
   for (int i = 0; i < 3; i++) {
      double upper = a[i] + (b[i] - a[i]) * dx, lower = c[i] + (d[i] - c[i]) * dx;
      to[i] = (unsigned char)(upper + (lower - upper) * dy);
   }
}

static void warp_bilinear(const ScImage *from, const double m[6], const unsigned char fill[3], ScImage *to) {
   unsigned char *out = to->rgb;
   for (int y = 0; y < to->height; y++)
      for (int x = 0; x < to->width; x++, out += 3) {
         double at_x = m[0] * (x + 0.5) + m[1] * (y + 0.5) + m[2],
                at_y = m[3] * (x + 0.5) + m[4] * (y + 0.5) + m[5];
         if (at_x >= 0 && at_x < from->width && at_y >= 0 && at_y < from->height)
            mix(from, at_x, at_y, out);
         else
            memcpy(out, fill, 3);
      }
}

ScStatus sc_image_affine(ScImage *image, const double m[6], ScWarp warp, const unsigned char fill[3]) {
   for (int i = 0; i < 6; i++) SC_TRY(check(image, "affine", m[i]));
   ScImage to;
   SC_TRY(sc_image_new(image->width, image->height, &to));
   bool upright = m[1] == 0 && m[3] == 0;
   if (warp == SC_WARP_BILINEAR)
      warp_bilinear(image, m, fill, &to);
   else if (!upright && fits_fixed(m, image->width, image->height))
      warp_fixed(image, m, fill, &to);
   else
      warp_nearest(image, m, fill, &to);
   sc_image_free(image);
   *image = to;
   return SC_OK;
}

// Python's round(value, 15), so that a right angle's cosine is 0. By way of decimal digits, as Python does it:
// a product with 1e15 would itself be rounded.
static double round15(double value) {
   char digits[32];
   snprintf(digits, sizeof digits, "%.15f", value);
   return strtod(digits, NULL);
}

ScStatus sc_image_rotate(ScImage *image, double degrees, ScWarp warp, const unsigned char fill[3]) {
   SC_TRY(check(image, "rotate", degrees));
   double angle = -fmod(degrees, 360.0) * (3.14159265358979323846 / 180.0);
   double c = round15(cos(angle)), s = round15(sin(angle));
   double center_x = image->width / 2.0, center_y = image->height / 2.0;
   double m[6] = {c,  s, c * -center_x + s * -center_y + center_x,
                  -s, c, -s * -center_x + c * -center_y + center_y};
   return sc_image_affine(image, m, warp, fill);
}
