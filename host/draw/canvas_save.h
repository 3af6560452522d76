// What was drawn comes out: as PNG, SVG or PDF, or as pixels.
#ifndef SCUTE_CANVAS_SAVE_H
#define SCUTE_CANVAS_SAVE_H

#include "host/draw/canvas.h"

typedef enum { SC_PNG, SC_SVG, SC_PDF } ScPictureFormat;

// The pixels, `scale` of them to a unit.
ScStatus sc_canvas_render(ScCanvas *, double scale, ScImage *out);
// A whole file in memory, the canvas's until the next one is encoded. `scale` counts for PNG only.
ScStatus sc_canvas_encode(ScCanvas *, ScPictureFormat, double scale, const unsigned char **data, size_t *size);
// The format is the name's ending: .png, .svg or .pdf. Atomic; see host/files/file.h.
ScStatus sc_canvas_save(ScCanvas *, const char *path, double scale);

#endif
