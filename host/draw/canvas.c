#include "host/draw/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "host/draw/canvas_internal.h"

enum { MOST_PUSHES = 64 };
static const char FAMILY[] = "sans";
static const double TURN = 6.283185307179586;

// ---- making and freeing ----

// A text is as wide at every scale and in every format.
static void set_font_options(cairo_t *c) {
   cairo_font_options_t *options = libcairo.font_options_create();
   libcairo.font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
   libcairo.font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
   libcairo.font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
   libcairo.set_font_options(c, options);
   libcairo.font_options_destroy(options);
}

// SC_OK, or what cairo has against the last call.
static ScStatus status_of(ScCanvas *canvas) {
   cairo_status_t status = libcairo.status(canvas->cairo);
   return sc_cairo_status(status ? status : libcairo.surface_status(canvas->surface));
}

ScStatus sc_canvas_new(double width, double height, ScCanvas **out) {
   *out = NULL;
   if (!(width >= 1 && width <= SC_CANVAS_MAX && height >= 1 && height <= SC_CANVAS_MAX))
      return sc_fail(SC_EARG, "canvas: expected a width and height from 1 to %d pixels, found %g x %g",
                     SC_CANVAS_MAX, width, height);
   SC_TRY(sc_canvas_check_room(0));
   ScStatus status = sc_libcairo_open();
   if (status) return sc_wrap(status, "canvas: ");
   ScCanvas *canvas = calloc(1, sizeof *canvas);
   if (!canvas) return sc_fail(SC_EMEM, "canvas: out of memory");
   canvas->width = width, canvas->height = height;
   cairo_rectangle_t extents = {0, 0, width, height};
   canvas->surface = libcairo.recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, &extents);
   canvas->cairo = libcairo.create(canvas->surface);
   libcairo.set_source_rgb(canvas->cairo, 1, 1, 1);
   libcairo.paint(canvas->cairo);
   libcairo.set_line_cap(canvas->cairo, CAIRO_LINE_CAP_ROUND);
   libcairo.set_line_join(canvas->cairo, CAIRO_LINE_JOIN_ROUND);
   set_font_options(canvas->cairo);
   status = status_of(canvas);
   if (status) {
      sc_canvas_free(canvas);
      return status;
   }
   *out = canvas;
   return SC_OK;
}

void sc_canvas_free(ScCanvas *canvas) {
   if (!canvas) return;
   libcairo.destroy(canvas->cairo);
   libcairo.surface_destroy(canvas->surface);
   free(canvas->encoded);
   free(canvas);
}

double sc_canvas_width(const ScCanvas *canvas) {
   return canvas->width;
}

double sc_canvas_height(const ScCanvas *canvas) {
   return canvas->height;
}

// ---- checks: a number that is none would spoil everything drawn afterwards ----

static ScStatus check_finite(const char *what, const double *values, int64_t n) {
   for (int64_t i = 0; i < n; i++)
      if (!isfinite(values[i]))
         return sc_fail(SC_EARG, "canvas: %s: expected finite numbers, found %g at position %lld", what,
                        values[i], (long long)i + 1);
   return SC_OK;
}

static ScStatus check_paint(const char *what, const ScPaint *p) {
   const double colour[] = {p->red, p->green, p->blue, p->alpha};
   for (int i = 0; i < 4; i++)
      if (!(colour[i] >= 0 && colour[i] <= 1))
         return sc_fail(SC_EARG, "canvas: %s: expected colour and alpha from 0 to 1, found %g", what,
                        colour[i]);
   if (!p->fill && !(p->width > 0 && p->width <= 1e4))
      return sc_fail(SC_EARG, "canvas: %s: expected a line width above 0, found %g", what, p->width);
   double sum = 0;
   for (int i = 0; i < p->ndash; i++) {
      if (!(p->dash[i] >= 0 && p->dash[i] <= 1e4))
         return sc_fail(SC_EARG, "canvas: %s: expected dashes of 0 or more, found %g", what, p->dash[i]);
      sum += p->dash[i];
   }
   if (p->ndash > 0 && sum == 0)
      return sc_fail(SC_EARG, "canvas: %s: a dash pattern of nothing but zeros", what);
   return SC_OK;
}

// ---- shapes ----

static ScStatus finish_shape(ScCanvas *canvas, const ScPaint *p) {
   cairo_t *c = canvas->cairo;
   libcairo.set_source_rgba(c, p->red, p->green, p->blue, p->alpha);
   if (p->fill) {
      libcairo.fill(c);
   } else {
      libcairo.set_line_width(c, p->width);
      libcairo.set_dash(c, p->dash, p->ndash, 0);
      libcairo.set_line_cap(c, p->ndash ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
      libcairo.stroke(c);
   }
   return status_of(canvas);
}

ScStatus sc_canvas_polyline(ScCanvas *canvas, const double *xy, int64_t n, bool closed, const ScPaint *p) {
   SC_TRY(check_finite("polyline", xy, 2 * n));
   SC_TRY(check_paint("polyline", p));
   if (n < 1) return sc_fail(SC_EARG, "canvas: polyline: expected at least one point, found none");
   libcairo.new_path(canvas->cairo);
   libcairo.move_to(canvas->cairo, xy[0], xy[1]);
   for (int64_t i = 1; i < n; i++) libcairo.line_to(canvas->cairo, xy[2 * i], xy[2 * i + 1]);
   if (n == 1 && !p->fill) libcairo.line_to(canvas->cairo, xy[0], xy[1]);
   if (closed) libcairo.close_path(canvas->cairo);
   return finish_shape(canvas, p);
}

ScStatus sc_canvas_rect(ScCanvas *canvas, double x, double y, double width, double height, const ScPaint *p) {
   SC_TRY(check_finite("rect", (double[]){x, y, width, height}, 4));
   SC_TRY(check_paint("rect", p));
   libcairo.new_path(canvas->cairo);
   libcairo.rectangle(canvas->cairo, x, y, width, height);
   return finish_shape(canvas, p);
}

ScStatus sc_canvas_circle(ScCanvas *canvas, double x, double y, double radius, const ScPaint *p) {
   SC_TRY(check_finite("circle", (double[]){x, y, radius}, 3));
   SC_TRY(check_paint("circle", p));
   if (radius < 0) return sc_fail(SC_EARG, "canvas: circle: expected a radius of 0 or more, found %g", radius);
   libcairo.new_path(canvas->cairo);
   libcairo.arc(canvas->cairo, x, y, radius, 0, TURN);
   return finish_shape(canvas, p);
}

// ---- text ----

// False where memory was too short to tell.
static bool probe_font(ScFontState *out) {
   cairo_surface_t *surface = libcairo.image_surface_create(CAIRO_FORMAT_A8, 8, 8);
   cairo_t *c = libcairo.create(surface);
   libcairo.select_font_face(c, FAMILY, CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
   cairo_text_extents_t extents;
   libcairo.text_extents(c, "M", &extents);
   cairo_scaled_font_t *font = libcairo.get_scaled_font(c);
   cairo_status_t status = libcairo.status(c);
   if (!status) status = libcairo.scaled_font_status(font);
   *out = SC_FONT_NONE;
   if (!status && extents.x_advance > 0)
      *out = libcairo.scaled_font_get_type(font) == CAIRO_FONT_TYPE_USER ? SC_FONT_STROKES : SC_FONT_REAL;
   libcairo.destroy(c);
   libcairo.surface_destroy(surface);
   return status != CAIRO_STATUS_NO_MEMORY;
}

// Short of memory it says what is most likely, and tries again the next time; what is drawn tells of the
// memory.
ScFontState sc_canvas_font(void) {
   static ScFontState known;
   static bool is_known;
   if (!is_known)
      is_known = sc_canvas_check_room(0) == SC_OK && sc_libcairo_open() == SC_OK && probe_font(&known);
   return is_known ? known : SC_FONT_REAL;
}

// Bytes of the valid UTF-8 character at `s`, 0 where there is none.
static int character_length(const unsigned char *s) {
   int n = s[0] < 0x80                   ? 1
           : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
           : (s[0] & 0xf0) == 0xe0       ? 3
           : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                         : 0;
   for (int i = 1; i < n; i++)
      if ((s[i] & 0xc0) != 0x80) return 0;
   if (n == 3 && ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0))) return 0;
   if (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] >= 0x90))) return 0;
   if (n == 1 && (s[0] < 0x20 || s[0] == 0x7f)) return 0;
   return n;
}

// A copy that cairo accepts; one invalid string would put the whole surface into an error state.
static char *clean(const char *text, int64_t *letters) {
   char *copy = malloc(strlen(text) + 1), *to = copy;
   *letters = 0;
   if (!copy) return NULL;
   for (const unsigned char *s = (const unsigned char *)text; *s; ++*letters) {
      int n = character_length(s);
      if (n == 0)
         *to++ = '?', s++;
      else
         for (int i = 0; i < n; i++) *to++ = (char)*s++;
   }
   *to = '\0';
   return copy;
}

static ScStatus check_style(const ScTextStyle *style) {
   if (style->size >= 0.5 && style->size <= 2000 && isfinite(style->angle)) return SC_OK;
   return sc_fail(SC_EARG,
                  "canvas: text: expected a size from 0.5 to 2000 pixels and a finite angle, found %g and %g",
                  style->size, style->angle);
}

static void select_font(cairo_t *c, const ScTextStyle *style) {
   libcairo.select_font_face(c, FAMILY, CAIRO_FONT_SLANT_NORMAL,
                             style->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
   libcairo.set_font_size(c, style->size);
}

static ScTextSize measure(cairo_t *c, const char *text, int64_t letters, const ScTextStyle *style) {
   if (sc_canvas_font() == SC_FONT_NONE)
      return (ScTextSize){0.6 * style->size * (double)letters, 0.8 * style->size, 0.2 * style->size};
   cairo_text_extents_t text_extents;
   cairo_font_extents_t font_extents;
   select_font(c, style);
   libcairo.text_extents(c, text, &text_extents);
   libcairo.font_extents(c, &font_extents);
   return (ScTextSize){text_extents.x_advance, font_extents.ascent, font_extents.descent};
}

ScStatus sc_canvas_measure(ScCanvas *canvas, const char *text, const ScTextStyle *style, ScTextSize *out) {
   SC_TRY(check_style(style));
   int64_t letters;
   char *copy = clean(text, &letters);
   if (!copy) return sc_fail(SC_EMEM, "canvas: text: out of memory");
   *out = measure(canvas->cairo, copy, letters, style);
   free(copy);
   return status_of(canvas);
}

ScStatus sc_canvas_text(ScCanvas *canvas, double x, double y, const char *text, const ScTextStyle *style,
                        const ScPaint *p) {
   SC_TRY(check_finite("text", (double[]){x, y}, 2));
   SC_TRY(check_style(style));
   SC_TRY(check_paint("text", p));
   if (sc_canvas_font() == SC_FONT_NONE) return SC_OK;
   int64_t letters;
   char *copy = clean(text, &letters);
   if (!copy) return sc_fail(SC_EMEM, "canvas: text: out of memory");
   cairo_t *c = canvas->cairo;
   double width = measure(c, copy, letters, style).width;
   libcairo.save(c);
   libcairo.translate(c, x, y);
   libcairo.rotate(c, style->angle * TURN / 360);
   libcairo.set_source_rgba(c, p->red, p->green, p->blue, p->alpha);
   libcairo.move_to(c, style->align == SC_LEFT ? 0 : style->align == SC_CENTER ? -width / 2 : -width, 0);
   libcairo.show_text(c, copy);
   libcairo.restore(c);
   libcairo.new_path(c);
   free(copy);
   return status_of(canvas);
}

// ---- images ----

static cairo_surface_t *surface_of(const ScImage *image) {
   cairo_surface_t *surface = libcairo.image_surface_create(CAIRO_FORMAT_RGB24, image->width, image->height);
   if (libcairo.surface_status(surface)) return surface;
   unsigned char *rows = libcairo.image_surface_get_data(surface);
   int stride = libcairo.image_surface_get_stride(surface);
   for (int y = 0; y < image->height; y++) {
      const unsigned char *from = image->rgb + (size_t)y * (size_t)image->width * 3;
      uint32_t *to = (uint32_t *)(void *)(rows + (size_t)y * (size_t)stride);
      for (int x = 0; x < image->width; x++, from += 3)
         to[x] = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | (uint32_t)from[2];
   }
   libcairo.surface_mark_dirty(surface);
   return surface;
}

ScStatus sc_canvas_image(ScCanvas *canvas, const ScImage *image, double x, double y, double width,
                         double height, double alpha, bool smooth) {
   SC_TRY(check_finite("image", (double[]){x, y, width, height}, 4));
   if (!(width > 0 && height > 0))
      return sc_fail(SC_EARG, "canvas: image: expected a width and height above 0, found %g x %g", width,
                     height);
   if (!(alpha >= 0 && alpha <= 1))
      return sc_fail(SC_EARG, "canvas: image: expected an alpha from 0 to 1, found %g", alpha);
   if (image->width > 32767 || image->height > 32767)
      return sc_fail(SC_EARG, "canvas: image: at most 32767 pixels a side, found %d x %d; resize it first",
                     image->width, image->height);
   // Four bytes a pixel, and a copy of them.
   SC_TRY(sc_canvas_check_room((size_t)image->width * (size_t)image->height * 8));
   cairo_surface_t *surface = surface_of(image);
   if (libcairo.surface_status(surface)) {
      libcairo.surface_destroy(surface);
      return sc_fail(SC_EMEM, "canvas: image: out of memory");
   }
   cairo_t *c = canvas->cairo;
   libcairo.save(c);
   libcairo.new_path(c);
   libcairo.rectangle(c, x, y, width, height);
   libcairo.clip(c);
   libcairo.translate(c, x, y);
   libcairo.scale(c, width / image->width, height / image->height);
   libcairo.set_source_surface(c, surface, 0, 0);
   libcairo.pattern_set_filter(libcairo.get_source(c), smooth ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
   libcairo.pattern_set_extend(libcairo.get_source(c), CAIRO_EXTEND_PAD); // no light seam at the border
   libcairo.paint_with_alpha(c, alpha);
   libcairo.restore(c);
   libcairo.surface_destroy(surface);
   return status_of(canvas);
}

// ---- state ----

ScStatus sc_canvas_push(ScCanvas *canvas) {
   if (canvas->pushes == MOST_PUSHES)
      return sc_fail(SC_EARG, "canvas: push: at most %d at a time; is a pop missing?", MOST_PUSHES);
   canvas->pushes++;
   libcairo.save(canvas->cairo);
   return status_of(canvas);
}

ScStatus sc_canvas_pop(ScCanvas *canvas) {
   if (canvas->pushes == 0) return sc_fail(SC_EARG, "canvas: pop: there was no push before it");
   canvas->pushes--;
   libcairo.restore(canvas->cairo);
   return status_of(canvas);
}

ScStatus sc_canvas_clip(ScCanvas *canvas, double x, double y, double width, double height) {
   SC_TRY(check_finite("clip", (double[]){x, y, width, height}, 4));
   libcairo.new_path(canvas->cairo);
   libcairo.rectangle(canvas->cairo, x, y, width, height);
   libcairo.clip(canvas->cairo);
   return status_of(canvas);
}

ScStatus sc_canvas_translate(ScCanvas *canvas, double x, double y) {
   SC_TRY(check_finite("translate", (double[]){x, y}, 2));
   libcairo.translate(canvas->cairo, x, y);
   return status_of(canvas);
}

ScStatus sc_canvas_scale(ScCanvas *canvas, double x, double y) {
   SC_TRY(check_finite("scale", (double[]){x, y}, 2));
   if (x == 0 || y == 0)
      return sc_fail(SC_EARG, "canvas: scale: expected factors other than 0, found %g and %g", x, y);
   libcairo.scale(canvas->cairo, x, y);
   return status_of(canvas);
}

ScStatus sc_canvas_rotate(ScCanvas *canvas, double degrees) {
   SC_TRY(check_finite("rotate", &degrees, 1));
   libcairo.rotate(canvas->cairo, degrees * TURN / 360);
   return status_of(canvas);
}
