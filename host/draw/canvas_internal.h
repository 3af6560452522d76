// Shared among host/canvas*.c.
#ifndef SCUTE_CANVAS_INTERNAL_H
#define SCUTE_CANVAS_INTERNAL_H

#include <cairo.h>

#include "host/draw/canvas.h"

struct ScCanvas {
   double width, height;
   cairo_surface_t *surface; // records, without pixels
   cairo_t *cairo;
   int pushes;
   unsigned char *encoded; // the last file
};

#endif
