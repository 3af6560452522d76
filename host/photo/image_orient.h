// EXIF orientation: found with libexif, applied to the pixels.
#ifndef SCUTE_IMAGE_ORIENT_H
#define SCUTE_IMAGE_ORIENT_H

#include "host/photo/image_format.h"

// EXIF orientation 1..8 in an APP1 segment (from "Exif\0\0" on); 1 where there is none or it makes no sense.
// Fails only for lack of memory.
ScStatus sc_exif_orientation(ScBytes segment, int *out);
// Replaces the pixels by the upright ones.
ScStatus sc_image_orient(ScImage *, int orientation);

#endif
