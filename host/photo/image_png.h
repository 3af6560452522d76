// PNG files out of pixels, through stb_image_write.
#ifndef SCUTE_IMAGE_PNG_H
#define SCUTE_IMAGE_PNG_H

#include "host/photo/image.h"

// The content of a PNG file, to be freed by the caller.
ScStatus sc_image_encode_png(const ScImage *, unsigned char **png, size_t *size);

#endif
