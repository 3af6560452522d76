// Shared among host/image*.c. Messages made below sc_image_decode_memory leave the file's name to it.
#ifndef SCUTE_IMAGE_INTERNAL_H
#define SCUTE_IMAGE_INTERNAL_H

#include "host/photo/image.h"

typedef struct {
   const unsigned char *data;
   size_t size;
} ScBytes;

// Bytes that may be read behind the last pixel of every ScImage, so that the resize can load whole vectors.
enum { SC_IMAGE_SLACK = 64 };

// SC_EFORMAT if the header's size is empty or beyond the limit.
ScStatus sc_image_check_size(int64_t width, int64_t height, const ScImageLimits *);

ScStatus sc_image_decode_jpeg(ScBytes, const ScImageLimits *, ScImage *out);
ScStatus sc_image_decode_jpeg_shrunk(ScBytes, const ScImageLimits *, const ScShrink *, ScPhoto *out);
ScStatus sc_image_decode_png(ScBytes, const ScImageLimits *, ScImage *out);
ScStatus sc_image_decode_bmp(ScBytes, const ScImageLimits *, ScImage *out);
ScStatus sc_image_decode_gif(ScBytes, const ScImageLimits *, ScImage *out);

// Before stb_image sees a file: is the size within the limit, is everything there, do the checksums agree?
// stb_image fills what is missing from a BMP or GIF with zeros and looks at no checksum of a PNG.
ScStatus sc_image_check_png(ScBytes, const ScImageLimits *);
ScStatus sc_image_check_gif(ScBytes, const ScImageLimits *);
// `opaque`: the fourth byte of a 32-bit pixel is not alpha.
ScStatus sc_image_check_bmp(ScBytes, const ScImageLimits *, bool *opaque);

// EXIF orientation 1..8 in an APP1 segment (from "Exif\0\0" on); 1 where there is none or it makes no sense.
int sc_exif_orientation(ScBytes segment);
// Replaces the pixels by the upright ones.
ScStatus sc_image_orient(ScImage *, int orientation);

#endif
