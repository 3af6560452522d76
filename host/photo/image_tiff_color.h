// What the samples of a TIFF mean, as colours. Knows nothing of libtiff.
#ifndef SCUTE_IMAGE_TIFF_COLOR_H
#define SCUTE_IMAGE_TIFF_COLOR_H

#include "host/photo/image_format.h"

typedef enum {
   SC_ALPHA_NONE,
   SC_ALPHA,
   SC_ALPHA_ASSOCIATED
} ScAlpha; // associated: colours are multiplied by it

// What a directory says. The numbers of `photometric` are those of the standard.
typedef struct {
   int photometric, bits, samples;
   ScAlpha alpha; // of the first sample behind the colours
   const uint16_t *palette[3];
} ScTiffSamples;

typedef struct {
   enum { SC_TIFF_GRAY, SC_TIFF_INVERTED, SC_TIFF_PALETTE, SC_TIFF_RGB, SC_TIFF_CMYK } space;
   int channels; // that are kept of each pixel: the colours, and alpha if there is one
   ScAlpha alpha;
   unsigned char palette[256][3];
   int scale; // what makes a gray of few bits one of eight; 1 for numbers in a palette
} ScTiffColor;

// SC_EFORMAT for what is no colour of a photo.
ScStatus sc_tiff_color(const ScTiffSamples *, ScTiffColor *out);

// From a row of pixels of `given` samples of 1, 2, 4, 8 or 16 bits, the first `taken` of each: bytes, `step`
// bytes from pixel to pixel. Of 16 bits, which are in the machine's order, the high byte is taken.
void sc_tiff_unpack(const unsigned char *row, int bits, size_t pixels, int given, unsigned char *to, int step,
                    int taken);
void sc_tiff_to_rgb(const ScTiffColor *, const unsigned char *channels, size_t pixels, unsigned char *rgb);

#endif
