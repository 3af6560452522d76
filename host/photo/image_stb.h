// PNG, BMP and GIF, through stb_image.
#ifndef SCUTE_IMAGE_STB_H
#define SCUTE_IMAGE_STB_H

#include "host/photo/image_format.h"

ScStatus sc_image_decode_png(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *out);
ScStatus sc_image_decode_bmp(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *out);
ScStatus sc_image_decode_gif(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *out);

#endif
