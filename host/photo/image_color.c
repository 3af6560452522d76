#include "host/photo/image_color.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char Table[3][256]; // what becomes of a value of each channel

static size_t pixels_of(const ScImage *image) {
   return (size_t)image->width * (size_t)image->height;
}

static ScStatus check_pixels(const ScImage *image, const char *function) {
   return image->rgb ? SC_OK : sc_fail(SC_EARG, "%s: expected pixels, found an empty image", function);
}

static ScStatus check_factor(const ScImage *image, const char *function, double factor) {
   SC_TRY(check_pixels(image, function));
   if (factor >= 0 && factor <= 1e6) return SC_OK;
   return sc_fail(SC_EARG, "%s: expected a factor of 0 or more, found %g", function, factor);
}

static void apply(ScImage *image, Table table) {
   for (size_t i = 0, n = pixels_of(image); i < n; i++)
      for (int c = 0; c < 3; c++) image->rgb[3 * i + c] = table[c][image->rgb[3 * i + c]];
}

static void repeat_channel(Table table) {
   memcpy(table[1], table[0], 256);
   memcpy(table[2], table[0], 256);
}

// From `base` (factor 0) to `value` (factor 1) and beyond, cut off to a whole number as Pillow does.
static inline unsigned char blend(int base, int value, float factor) {
   float mixed = (float)base + factor * (float)(value - base);
   return (unsigned char)(mixed <= 0 ? 0 : mixed >= 255 ? 255 : mixed);
}

static inline int gray(const unsigned char *rgb) {
   return (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
}

static void blend_with(ScImage *image, int base, double factor) {
   Table table;
   for (int v = 0; v < 256; v++) table[0][v] = blend(base, v, (float)factor);
   repeat_channel(table);
   apply(image, table);
}

ScStatus sc_image_brightness(ScImage *image, double factor) {
   SC_TRY(check_factor(image, "brightness", factor));
   blend_with(image, 0, factor);
   return SC_OK;
}

ScStatus sc_image_contrast(ScImage *image, double factor) {
   SC_TRY(check_factor(image, "contrast", factor));
   int64_t sum = 0;
   for (size_t i = 0, n = pixels_of(image); i < n; i++) sum += gray(image->rgb + 3 * i);
   blend_with(image, (int)((double)sum / (double)pixels_of(image) + 0.5), factor);
   return SC_OK;
}

ScStatus sc_image_saturation(ScImage *image, double factor) {
   SC_TRY(check_factor(image, "saturation", factor));
   for (size_t i = 0, n = pixels_of(image); i < n; i++) {
      unsigned char *rgb = image->rgb + 3 * i;
      int base = gray(rgb);
      for (int c = 0; c < 3; c++) rgb[c] = blend(base, rgb[c], (float)factor);
   }
   return SC_OK;
}

// ---- sharpness ----

// Pillow's SMOOTH at one value: the sums in its order, in float.
static inline unsigned char smooth(const unsigned char *at, ptrdiff_t pitch) {
   const float edge = 1.0f / 13.0f, middle = 5.0f / 13.0f;
   const unsigned char *below = at + pitch, *above = at - pitch;
   float sum = 0.5f;
   sum += (float)below[-3] * edge + (float)below[0] * edge + (float)below[3] * edge;
   sum += (float)at[-3] * edge + (float)at[0] * middle + (float)at[3] * edge;
   sum += (float)above[-3] * edge + (float)above[0] * edge + (float)above[3] * edge;
   return (unsigned char)(sum > 255 ? 255 : sum);
}

// The outermost pixels are not smoothed, so that there they stay as they are.
ScStatus sc_image_sharpness(ScImage *image, double factor) {
   SC_TRY(check_factor(image, "sharpness", factor));
   size_t pitch = (size_t)image->width * 3;
   if (image->width < 3 || image->height < 3) return SC_OK;
   ScImage from;
   SC_TRY(sc_image_new(image->width, image->height, &from));
   memcpy(from.rgb, image->rgb, pitch * (size_t)image->height);
   for (int y = 1; y < image->height - 1; y++)
      for (size_t i = (size_t)y * pitch + 3; i < (size_t)(y + 1) * pitch - 3; i++)
         image->rgb[i] = blend(smooth(from.rgb + i, (ptrdiff_t)pitch), from.rgb[i], (float)factor);
   sc_image_free(&from);
   return SC_OK;
}

// ---- hue ----

static unsigned char byte(int value) {
   return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Python's colorsys with 8 bits for each of hue, saturation and value; float and double where Pillow has them.
static void to_hsv(const unsigned char *rgb, unsigned char hsv[3]) {
   int r = rgb[0], g = rgb[1], b = rgb[2];
   int most = r > g ? r : g, least = r < g ? r : g;
   if (b > most) most = b;
   if (b < least) least = b;
   hsv[0] = hsv[1] = 0;
   hsv[2] = (unsigned char)most;
   if (least == most) return;
   float span = (float)(most - least), hue;
   float rc = (float)(most - r) / span, gc = (float)(most - g) / span, bc = (float)(most - b) / span;
   if (r == most)
      hue = bc - gc;
   else if (g == most)
      hue = (float)(2.0 + rc - bc);
   else
      hue = (float)(4.0 + gc - rc);
   double turn = hue / 6.0 + 1.0; // 5/6 to 11/6
   hue = (float)(turn >= 1.0 ? turn - 1.0 : turn);
   hsv[0] = byte((int)(hue * 255.0));
   hsv[1] = byte((int)(span / (float)most * 255.0));
}

static unsigned char rounded(double value) {
   return byte((int)(value + 0.5));
}

static void to_rgb(const unsigned char hsv[3], unsigned char *rgb) {
   // For each sixth of the circle: which of value, p, q, t is red, green, blue.
   static const unsigned char pick[6][3] = {{0, 3, 1}, {2, 0, 1}, {1, 0, 3}, {1, 2, 0}, {3, 1, 0}, {0, 1, 2}};
   double sixths = (float)hsv[0] * 6.0 / 255.0;
   int sector = (int)sixths;
   float part = (float)(sixths - (float)sector), saturation = (float)((float)hsv[1] / 255.0), v = hsv[2];
   unsigned char values[4] = {hsv[2], rounded(v * (1.0 - saturation)), rounded(v * (1.0 - saturation * part)),
                              rounded(v * (1.0 - saturation * (1.0 - part)))};
   for (int c = 0; c < 3; c++) rgb[c] = values[pick[sector % 6][c]];
}

ScStatus sc_image_hue(ScImage *image, double turn) {
   SC_TRY(check_pixels(image, "hue"));
   if (!(turn >= -0.5 && turn <= 0.5))
      return sc_fail(SC_EARG, "hue: expected -0.5 to 0.5 of a full turn, found %g", turn);
   int add = (int)(turn * 255);
   for (size_t i = 0, n = pixels_of(image); i < n; i++) {
      unsigned char hsv[3];
      to_hsv(image->rgb + 3 * i, hsv);
      hsv[0] = (unsigned char)(hsv[0] + add); // wraps round the circle
      to_rgb(hsv, image->rgb + 3 * i);
   }
   return SC_OK;
}

// ---- tables ----

ScStatus sc_image_posterize(ScImage *image, int bits) {
   Table table;
   SC_TRY(check_pixels(image, "posterize"));
   if (bits < 1 || bits > 8) return sc_fail(SC_EARG, "posterize: expected 1 to 8 bits, found %d", bits);
   for (int v = 0; v < 256; v++) table[0][v] = (unsigned char)(v & ~((1 << (8 - bits)) - 1));
   repeat_channel(table);
   apply(image, table);
   return SC_OK;
}

ScStatus sc_image_solarize(ScImage *image, double threshold) {
   Table table;
   SC_TRY(check_pixels(image, "solarize"));
   if (threshold != threshold)
      return sc_fail(SC_EARG, "solarize: expected a number as threshold, found %g", threshold);
   for (int v = 0; v < 256; v++) table[0][v] = (unsigned char)(v < threshold ? v : 255 - v);
   repeat_channel(table);
   apply(image, table);
   return SC_OK;
}

ScStatus sc_image_invert(ScImage *image) {
   SC_TRY(check_pixels(image, "invert"));
   return sc_image_solarize(image, 0);
}

static void count(const ScImage *image, int64_t histogram[3][256]) {
   memset(histogram, 0, 3 * 256 * sizeof(int64_t));
   for (size_t i = 0, n = pixels_of(image); i < n; i++)
      for (int c = 0; c < 3; c++) histogram[c][image->rgb[3 * i + c]]++;
}

static void stretch(const int64_t histogram[256], unsigned char table[256]) {
   int low = 0, high = 255;
   while (low < 255 && !histogram[low]) low++;
   while (high > 0 && !histogram[high]) high--;
   double scale = high > low ? 255.0 / (high - low) : 1.0, offset = high > low ? -low * scale : 0.0;
   for (int v = 0; v < 256; v++) table[v] = byte((int)(v * scale + offset));
}

static void spread(const int64_t histogram[256], unsigned char table[256]) {
   int64_t total = 0, last = 0;
   for (int v = 0; v < 256; v++) {
      total += histogram[v];
      if (histogram[v]) last = histogram[v];
   }
   int64_t step = (total - last) / 255, sum = step / 2;
   for (int v = 0; v < 256; v++) {
      table[v] = byte(step ? (int)(sum / step > 255 ? 255 : sum / step) : v);
      sum += histogram[v];
   }
}

static ScStatus by_histogram(ScImage *image, const char *function,
                             void (*make)(const int64_t[256], unsigned char[256])) {
   int64_t histogram[3][256];
   Table table;
   SC_TRY(check_pixels(image, function));
   count(image, histogram);
   for (int c = 0; c < 3; c++) make(histogram[c], table[c]);
   apply(image, table);
   return SC_OK;
}

ScStatus sc_image_autocontrast(ScImage *image) {
   return by_histogram(image, "autocontrast", stretch);
}

ScStatus sc_image_equalize(ScImage *image) {
   return by_histogram(image, "equalize", spread);
}
