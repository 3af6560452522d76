// EXIF orientation: found, and applied to the pixels.
#ifndef SCUTE_IMAGE_ORIENT_H
#define SCUTE_IMAGE_ORIENT_H

#include "host/photo/image_format.h"

// EXIF orientation 1..8; 0 where there is none or it makes no sense.
int sc_exif_orientation(ScBytes exif);
// Replaces the pixels by the upright ones.
ScStatus sc_image_orient(ScImage *, int orientation);

#endif
