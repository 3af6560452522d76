// A drawing surface: what is drawn is kept as a description, which host/draw/canvas_save.h makes into files or
// pixels.
//
// Lengths are in pixels of the unscaled picture, from its upper left corner. The background is white.
#ifndef SCUTE_CANVAS_H
#define SCUTE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/status.h"
#include "host/photo/image.h"

enum {
   SC_CANVAS_MAX = 16384,
   SC_CANVAS_DASHES = 8
}; // pixels of a side, also after scaling; lengths of a dash pattern

typedef struct ScCanvas ScCanvas;

typedef struct {
   double red, green, blue, alpha; // 0..1
   double width;                   // of the line; not read where the shape is filled
   bool fill;                      // the inside instead of the outline
   int ndash;                      // 0: an unbroken line
   double dash[SC_CANVAS_DASHES];  // on, off, on, ...
} ScPaint;

typedef enum { SC_LEFT, SC_CENTER, SC_RIGHT } ScAlign;

typedef struct {
   double size; // in pixels
   bool bold;
   ScAlign align; // where the anchor lies; its height is the baseline
   double angle;  // degrees, clockwise, around the anchor
} ScTextStyle;

typedef struct {
   double width, ascent, descent; // ascent and descent are the font's: the same for all texts of a size
} ScTextSize;

// What texts are drawn with. Without a font file cairo draws plain strokes of its own; without those too, texts
// are left out and measured by the number of their letters.
typedef enum { SC_FONT_REAL, SC_FONT_STROKES, SC_FONT_NONE } ScFontState;
ScFontState sc_canvas_font(void);

ScStatus sc_canvas_new(double width, double height, ScCanvas **out);
void sc_canvas_free(ScCanvas *); // NULL is fine
double sc_canvas_width(const ScCanvas *);
double sc_canvas_height(const ScCanvas *);

// xy: n pairs. A line of one point with a round end is a dot.
ScStatus sc_canvas_polyline(ScCanvas *, const double *xy, int64_t n, bool closed, const ScPaint *);
ScStatus sc_canvas_rect(ScCanvas *, double x, double y, double width, double height, const ScPaint *);
ScStatus sc_canvas_circle(ScCanvas *, double x, double y, double radius, const ScPaint *);
// UTF-8; bytes that are none, and control characters, become question marks. Only the colour of the paint
// counts.
ScStatus sc_canvas_text(ScCanvas *, double x, double y, const char *text, const ScTextStyle *, const ScPaint *);
ScStatus sc_canvas_measure(ScCanvas *, const char *text, const ScTextStyle *, ScTextSize *out);
// Stretched to width x height; `smooth` false keeps the pixels as hard squares.
ScStatus sc_canvas_image(ScCanvas *, const ScImage *, double x, double y, double width, double height,
                         double alpha, bool smooth);

// What follows is clipped, moved, scaled or turned until the matching pop.
ScStatus sc_canvas_push(ScCanvas *);
ScStatus sc_canvas_pop(ScCanvas *); // SC_EARG without a push
ScStatus sc_canvas_clip(ScCanvas *, double x, double y, double width, double height);
ScStatus sc_canvas_translate(ScCanvas *, double x, double y);
ScStatus sc_canvas_scale(ScCanvas *, double x, double y); // neither 0
ScStatus sc_canvas_rotate(ScCanvas *, double degrees);

#endif
