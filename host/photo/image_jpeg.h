// JPEG, through libjpeg-turbo.
#ifndef SCUTE_IMAGE_JPEG_H
#define SCUTE_IMAGE_JPEG_H

#include "host/photo/image_format.h"

ScStatus sc_image_decode_jpeg(ScBytes, const ScImageLimits *, const ScPurpose *, ScPhoto *out);

#endif
