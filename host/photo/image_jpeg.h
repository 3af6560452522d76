// JPEG, through libjpeg-turbo.
#ifndef SCUTE_IMAGE_JPEG_H
#define SCUTE_IMAGE_JPEG_H

#include "host/photo/image_format.h"

ScStatus sc_image_decode_jpeg(ScBytes, const ScImageLimits *, ScImage *out);
ScStatus sc_image_decode_jpeg_shrunk(ScBytes, const ScImageLimits *, const ScShrink *, ScPhoto *out);

#endif
