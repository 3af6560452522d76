// Is a PNG whole? Its chunks are there, their checksums agree, and what is packed in it is as long as its
// pixels: stb_image looks at no checksum, and unpacks without an end whatever the header says.
#ifndef SCUTE_IMAGE_CHECK_PNG_H
#define SCUTE_IMAGE_CHECK_PNG_H

#include "host/photo/image_check.h"

ScStatus sc_image_check_png(ScBytes, const ScImageLimits *, ScStbHeader *out);

#endif
