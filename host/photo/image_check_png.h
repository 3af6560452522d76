// Are the chunks of a PNG there, and do their checksums agree? stb_image looks at none.
#ifndef SCUTE_IMAGE_CHECK_PNG_H
#define SCUTE_IMAGE_CHECK_PNG_H

#include "host/photo/image_check.h"

// `unpacked`: the bytes that its pixels are to unpack to, with one before each row.
ScStatus sc_image_check_png(ScBytes, const ScImageLimits *, ScStbHeader *out, size_t *unpacked);

#endif
