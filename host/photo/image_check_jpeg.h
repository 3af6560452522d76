// Is the end of a JPEG there? libjpeg reads on through whatever stands in its place.
#ifndef SCUTE_IMAGE_CHECK_JPEG_H
#define SCUTE_IMAGE_CHECK_JPEG_H

#include "host/photo/image_format.h"

// A JPEG up to its end marker or, where there is none, up to what its scans hold: without the
// zeros or the text that stand there instead, and without what follows that is no part of a JPEG.
ScBytes sc_image_trim_jpeg(ScBytes, bool *lacks_end);

#endif
