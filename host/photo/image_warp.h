// What augmentation does to the place of pixels, with Pillow's arithmetic (src/libImaging/Geometry.c). The size
// stays; what comes from outside is `fill` (RGB).
//
// Every function changes the image in place; after a failure it is what it was. An empty image is SC_EARG.
#ifndef SCUTE_IMAGE_WARP_H
#define SCUTE_IMAGE_WARP_H

#include "host/photo/image.h"

// How a pixel between pixels is found.
typedef enum { SC_WARP_NEAREST, SC_WARP_BILINEAR } ScWarp;

// Left becomes right.
ScStatus sc_image_flip(ScImage *);
// Counter-clockwise around the center.
ScStatus sc_image_rotate(ScImage *, double degrees, ScWarp, const unsigned char fill[3]);
// The pixel (x, y) comes from (m[0] x + m[1] y + m[2], m[3] x + m[4] y + m[5]); centers of pixels lie at .5.
ScStatus sc_image_affine(ScImage *, const double m[6], ScWarp, const unsigned char fill[3]);

#endif
