// What canvas.c and canvas_save.c share.
#ifndef SCUTE_CANVAS_INTERNAL_H
#define SCUTE_CANVAS_INTERNAL_H

#include <stdbool.h>
#include <sys/mman.h>

#include "host/core/status.h"
#include "host/draw/libcairo.h"

struct ScCanvas {
   double width, height;
   cairo_surface_t *surface; // records, without pixels
   cairo_t *cairo;
   int pushes;
   unsigned char *encoded; // the last file
};

// SC_OK, or what cairo has against something. libpng writes to memory here, so that nothing else can be short.
static inline ScStatus sc_cairo_status(cairo_status_t status) {
   if (status == CAIRO_STATUS_SUCCESS) return SC_OK;
   bool starved = status == CAIRO_STATUS_NO_MEMORY || status == CAIRO_STATUS_PNG_ERROR;
   return sc_fail(starved ? SC_EMEM : SC_EARG, "canvas: %s",
                  starved ? "out of memory" : libcairo.status_to_string(status));
}

// Some calls of cairo, pixman and fontconfig end in a crash where memory runs out within them. So there has to
// be room for `bytes` of pixels, and some more, before they are called.
static inline ScStatus sc_canvas_check_room(size_t bytes) {
   enum { MORE = 32 << 20 };
   void *room = mmap(NULL, bytes + MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
   if (room == MAP_FAILED) return sc_fail(SC_EMEM, "canvas: out of memory");
   munmap(room, bytes + MORE);
   return SC_OK;
}

#endif
