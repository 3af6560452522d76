// What stb_image does not look at: is the size within the limit, is everything there? It fills what is missing
// from a BMP or GIF with zeros.
#ifndef SCUTE_IMAGE_CHECK_H
#define SCUTE_IMAGE_CHECK_H

#include "host/photo/image_format.h"

ScStatus sc_image_check_gif(ScBytes, const ScImageLimits *);
// `opaque`: the fourth byte of a 32-bit pixel is not alpha.
ScStatus sc_image_check_bmp(ScBytes, const ScImageLimits *, bool *opaque);

#endif
