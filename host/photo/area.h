// Areas of a photo: in its own pixels, and in those that were decoded of it.
#ifndef SCUTE_AREA_H
#define SCUTE_AREA_H

#include "host/photo/image_format.h"
#include "host/photo/image_resize.h"

// From pixels of the whole photo to those of what was decoded of it.
ScBox sc_area_decoded(const ScPhoto *, const ScRect *);
// The pixels that a box touches.
ScRect sc_area_touched(const ScBox *);
// The part of an area that lies in another one; one of its pixels at least.
ScRect sc_area_inside(const ScRect *area, const ScRect *around);

#endif
