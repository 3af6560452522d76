// What a canvas is, for canvas.c and canvas_save.c alone.
#ifndef SCUTE_CANVAS_INTERNAL_H
#define SCUTE_CANVAS_INTERNAL_H

#include <cairo.h>

struct ScCanvas {
   double width, height;
   cairo_surface_t *surface; // records, without pixels
   cairo_t *cairo;
   int pushes;
   unsigned char *encoded; // the last file
};

#endif
