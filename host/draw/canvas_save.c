#include "host/draw/canvas_save.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/core/span.h"
#include "host/draw/canvas_internal.h"
#include "host/files/file.h"
#include "host/photo/image_png.h"

static cairo_status_t replay(ScCanvas *canvas, cairo_surface_t *target, double scale) {
   cairo_t *c = libcairo.create(target);
   libcairo.scale(c, scale, scale);
   libcairo.set_source_surface(c, canvas->surface, 0, 0);
   libcairo.paint(c);
   cairo_status_t status = libcairo.status(c);
   libcairo.destroy(c);
   libcairo.surface_flush(target);
   return status ? status : libcairo.surface_status(target);
}

static void copy_pixels(cairo_surface_t *surface, ScImage *out) {
   const unsigned char *rows = libcairo.image_surface_get_data(surface);
   int stride = libcairo.image_surface_get_stride(surface);
   unsigned char *to = out->rgb;
   for (int y = 0; y < out->height; y++) {
      const uint32_t *from = (const uint32_t *)(const void *)(rows + (size_t)y * (size_t)stride);
      for (int x = 0; x < out->width; x++) {
         *to++ = (unsigned char)(from[x] >> 16);
         *to++ = (unsigned char)(from[x] >> 8);
         *to++ = (unsigned char)from[x];
      }
   }
}

ScStatus sc_canvas_render(ScCanvas *canvas, double scale, ScImage *out) {
   *out = (ScImage){0};
   double width = ceil(canvas->width * scale), height = ceil(canvas->height * scale);
   if (!(scale > 0 && width >= 1 && width <= SC_CANVAS_MAX && height >= 1 && height <= SC_CANVAS_MAX))
      return sc_fail(SC_EARG, "canvas: at scale %g the picture has %g x %g pixels; expected 1 to %d a side",
                     scale, width, height, SC_CANVAS_MAX);
   // The pixels as cairo's and as ours, and what cairo draws with.
   SC_TRY(sc_canvas_check_room((size_t)width * (size_t)height * 12));
   cairo_surface_t *surface = libcairo.image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
   cairo_status_t drawn = libcairo.surface_status(surface);
   if (!drawn) {
      // A fraction of a pixel at the edge stays white, not black.
      memset(libcairo.image_surface_get_data(surface), 255,
             (size_t)libcairo.image_surface_get_stride(surface) * (size_t)height);
      libcairo.surface_mark_dirty(surface);
      drawn = replay(canvas, surface, scale);
   }
   ScStatus status = sc_cairo_status(drawn);
   if (!status) status = sc_image_new((int)width, (int)height, out);
   if (!status) copy_pixels(surface, out);
   libcairo.surface_destroy(surface);
   return status;
}

// ---- files in memory ----

typedef struct {
   unsigned char *data;
   size_t size, room;
} Bytes;

static cairo_status_t append(void *context, const unsigned char *data, unsigned int length) {
   Bytes *b = context;
   if (b->size + length > b->room) {
      size_t room = 2 * (b->size + length);
      unsigned char *larger = realloc(b->data, room);
      if (!larger) return CAIRO_STATUS_NO_MEMORY;
      b->data = larger, b->room = room;
   }
   memcpy(b->data + b->size, data, length);
   b->size += length;
   return CAIRO_STATUS_SUCCESS;
}

static cairo_surface_t *vector_surface(ScCanvas *canvas, ScPictureFormat format, Bytes *bytes) {
   if (format == SC_PDF)
      return libcairo.pdf_surface_create_for_stream(append, bytes, canvas->width, canvas->height);
   cairo_surface_t *svg = libcairo.svg_surface_create_for_stream(append, bytes, canvas->width, canvas->height);
   libcairo.svg_surface_set_document_unit(svg, CAIRO_SVG_UNIT_PX);
   return svg;
}

// cairo 1.16 keeps a reference to what it wrote as SVG after the SVG itself is gone, and so the whole recording
// for ever.
static void drop_references(cairo_surface_t *surface, unsigned int before) {
   while (libcairo.surface_get_reference_count(surface) > before) libcairo.surface_destroy(surface);
}

static ScStatus encode_vector(ScCanvas *canvas, ScPictureFormat format, Bytes *bytes) {
   SC_TRY(sc_canvas_check_room(0));
   unsigned int references = libcairo.surface_get_reference_count(canvas->surface);
   cairo_surface_t *surface = vector_surface(canvas, format, bytes);
   cairo_status_t status = libcairo.surface_status(surface);
   if (!status) status = replay(canvas, surface, 1);
   libcairo.surface_finish(surface);
   if (!status) status = libcairo.surface_status(surface);
   libcairo.surface_destroy(surface);
   drop_references(canvas->surface, references);
   return sc_cairo_status(status);
}

static ScStatus encode_png(ScCanvas *canvas, double scale, Bytes *bytes) {
   ScImage image;
   SC_TRY(sc_canvas_render(canvas, scale, &image));
   ScStatus status = sc_image_encode_png(&image, &bytes->data, &bytes->size);
   sc_image_free(&image);
   return status;
}

ScStatus sc_canvas_encode(ScCanvas *canvas, ScPictureFormat format, double scale, const unsigned char **data,
                          size_t *size) {
   Bytes bytes = {0};
   int span = sc_span_begin("drawing pictures");
   ScStatus status =
       format == SC_PNG ? encode_png(canvas, scale, &bytes) : encode_vector(canvas, format, &bytes);
   sc_span_end(span);
   if (status) {
      free(bytes.data);
      bytes = (Bytes){0};
   }
   free(canvas->encoded);
   canvas->encoded = bytes.data;
   *data = bytes.data, *size = bytes.size;
   return status;
}

ScStatus sc_canvas_save(ScCanvas *canvas, const char *path, double scale) {
   static const char *const endings[] = {[SC_PNG] = ".png", [SC_SVG] = ".svg", [SC_PDF] = ".pdf"};
   const char *dot = strrchr(path, '.');
   int format = 0;
   while (format < 3 && (!dot || strcasecmp(dot, endings[format]) != 0)) format++;
   if (format == 3)
      return sc_fail(SC_EARG, "canvas: %s: expected a name that ends in .png, .svg or .pdf", path);
   const unsigned char *data;
   size_t size;
   SC_TRY(sc_canvas_encode(canvas, (ScPictureFormat)format, scale, &data, &size));
   return sc_file_save(path, data, size);
}
