// What stb_image does not look at: is the size within the limit, is everything there? It fills what is missing
// from a BMP or GIF with zeros.
#ifndef SCUTE_IMAGE_CHECK_H
#define SCUTE_IMAGE_CHECK_H

#include "host/photo/image_format.h"

// What a file says that was found whole.
typedef struct {
   int width, height;
   int channels;    // to ask stb_image for: 4, or 3 where a fourth byte is not alpha
   size_t memory;   // bytes that stb_image takes at most
   int orientation; // 0 where nothing says it
   size_t end;      // where the last chunk of a PNG that lacks its end is over; else 0
} ScStbHeader;

ScStatus sc_image_check_gif(ScBytes, const ScImageLimits *, ScStbHeader *out);
ScStatus sc_image_check_bmp(ScBytes, const ScImageLimits *, ScStbHeader *out);

#endif
