#include "host/photo/image_tiff_color.h"

#include <string.h>

// Of the standard.
enum {
   MIN_IS_WHITE = 0,
   MIN_IS_BLACK = 1,
   RGB = 2,
   PALETTE = 3,
   SEPARATED = 5,
   YCBCR = 6,
   CFA = 32803,
   LINEAR_RAW = 34892
};

static ScStatus refuse(int photometric) {
   if (photometric == CFA || photometric == LINEAR_RAW)
      return sc_fail(SC_EFORMAT, "a camera's raw file; convert it first: darktable-cli photo.dng photo.jpg");
   return sc_fail(SC_EFORMAT,
                  "a TIFF of colours that are not read (photometric interpretation %d); convert it first: "
                  "convert photo.tif photo.png",
                  photometric);
}

// The high bytes: Pillow's rounding.
static ScStatus read_palette(const ScTiffSamples *given, ScTiffColor *out) {
   if (given->bits > 8 || !given->palette[0] || !given->palette[1] || !given->palette[2])
      return sc_fail(SC_EFORMAT, "truncated or corrupt TIFF (its palette is missing)");
   for (int i = 0; i < 1 << given->bits; i++)
      for (int c = 0; c < 3; c++) out->palette[i][c] = (unsigned char)(given->palette[c][i] >> 8);
   return SC_OK;
}

ScStatus sc_tiff_color(const ScTiffSamples *given, ScTiffColor *out) {
   int colors = 1;
   *out = (ScTiffColor){.scale = 1};
   switch (given->photometric) {
   case MIN_IS_WHITE: out->space = SC_TIFF_INVERTED; break;
   case MIN_IS_BLACK: out->space = SC_TIFF_GRAY; break;
   case RGB:
   case YCBCR: out->space = SC_TIFF_RGB, colors = 3; break;
   case PALETTE: out->space = SC_TIFF_PALETTE; break;
   case SEPARATED: out->space = SC_TIFF_CMYK, colors = 4; break;
   default: return refuse(given->photometric);
   }
   if (given->samples < colors)
      return sc_fail(SC_EFORMAT, "truncated or corrupt TIFF (%d samples a pixel, expected %d)", given->samples,
                     colors);
   if (out->space == SC_TIFF_PALETTE) SC_TRY(read_palette(given, out));
   if (given->bits < 8 && out->space != SC_TIFF_PALETTE) out->scale = 255 / ((1 << given->bits) - 1);
   bool mixes = out->space != SC_TIFF_PALETTE && out->space != SC_TIFF_CMYK && given->samples > colors;
   out->alpha = mixes ? given->alpha : SC_ALPHA_NONE;
   out->channels = colors + (out->alpha != SC_ALPHA_NONE);
   return SC_OK;
}

static unsigned char sample(const unsigned char *row, int bits, size_t at) {
   if (bits == 8) return row[at];
   uint16_t wide;
   if (bits == 16) return memcpy(&wide, row + 2 * at, 2), (unsigned char)(wide >> 8);
   size_t bit = at * (size_t)bits;
   return (unsigned char)(row[bit / 8] >> (8 - bits - (int)(bit % 8)) & ((1 << bits) - 1));
}

void sc_tiff_unpack(const unsigned char *row, int bits, size_t pixels, int given, unsigned char *to, int step,
                    int taken) {
   for (size_t i = 0; i < pixels; i++, to += step)
      for (int c = 0; c < taken; c++) to[c] = sample(row, bits, i * (size_t)given + (size_t)c);
}

// round(a * b / 255), as Pillow's MULDIV255
static unsigned scale255(unsigned a, unsigned b) {
   unsigned t = a * b + 128;
   return (t + (t >> 8)) >> 8;
}

static void put_color(const ScTiffColor *color, const unsigned char *in, unsigned char rgb[3]) {
   unsigned gray = (unsigned)(in[0] * color->scale);
   switch (color->space) {
   case SC_TIFF_GRAY: memset(rgb, (int)gray, 3); break;
   case SC_TIFF_INVERTED: memset(rgb, (int)(255 - gray), 3); break;
   case SC_TIFF_PALETTE: memcpy(rgb, color->palette[in[0]], 3); break;
   case SC_TIFF_RGB:
      for (int c = 0; c < 3; c++) rgb[c] = (unsigned char)(in[c] * color->scale);
      break;
   case SC_TIFF_CMYK:
      for (int c = 0; c < 3; c++) {
         unsigned white = 255u - in[3] * (unsigned)color->scale;
         rgb[c] = (unsigned char)(white - scale255(in[c] * (unsigned)color->scale, white));
      }
      break;
   }
}

static void put_on_white(unsigned char rgb[3], unsigned alpha, bool associated) {
   for (int c = 0; c < 3; c++) {
      unsigned plain = rgb[c];
      if (associated && alpha > 0 && alpha < 255) plain = 255 * plain / alpha < 255 ? 255 * plain / alpha : 255;
      unsigned t = plain * alpha + 255 * (255 - alpha) + 128;
      rgb[c] = (unsigned char)((t + (t >> 8)) >> 8);
   }
}

void sc_tiff_to_rgb(const ScTiffColor *color, const unsigned char *channels, size_t pixels,
                    unsigned char *rgb) {
   for (size_t i = 0; i < pixels; i++, channels += color->channels, rgb += 3) {
      put_color(color, channels, rgb);
      if (color->alpha != SC_ALPHA_NONE)
         put_on_white(rgb, (unsigned)channels[color->channels - 1] * (unsigned)color->scale,
                      color->alpha == SC_ALPHA_ASSOCIATED);
   }
}
