// Transparency is put on white.
#ifndef SCUTE_IMAGE_WHITE_H
#define SCUTE_IMAGE_WHITE_H

#include <stddef.h>

// Four bytes a pixel to three, in place. Rounded as Pillow's paste with a mask.
void sc_pixels_on_white(unsigned char *pixels, size_t count);

#endif
