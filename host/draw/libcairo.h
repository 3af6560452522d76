// What is called of cairo, under its own names without "cairo_": libcairo.paint. It brings X11 and fontconfig
// along, and few runs draw, so it is opened at its first use.
#ifndef SCUTE_LIBCAIRO_H
#define SCUTE_LIBCAIRO_H

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>

#include "host/core/status.h"

// clang-format off
#define SC_LIBCAIRO(F) \
   F(arc) F(clip) F(close_path) F(create) F(destroy) F(fill) F(font_extents) F(font_options_create) \
   F(font_options_destroy) F(font_options_set_antialias) F(font_options_set_hint_metrics) \
   F(font_options_set_hint_style) F(get_scaled_font) F(get_source) F(image_surface_create) \
   F(image_surface_get_data) F(image_surface_get_stride) F(line_to) F(move_to) F(new_path) F(paint) \
   F(paint_with_alpha) F(pattern_set_extend) F(pattern_set_filter) F(pdf_surface_create_for_stream) \
   F(recording_surface_create) F(rectangle) F(restore) F(rotate) F(save) F(scale) \
   F(scaled_font_get_type) F(scaled_font_status) F(select_font_face) F(set_dash) \
   F(set_font_options) F(set_font_size) F(set_line_cap) F(set_line_join) F(set_line_width) \
   F(set_source_rgb) F(set_source_rgba) F(set_source_surface) F(show_text) F(status) \
   F(status_to_string) F(stroke) F(surface_destroy) F(surface_finish) F(surface_flush) \
   F(surface_get_reference_count) F(surface_mark_dirty) F(surface_status) \
   F(svg_surface_create_for_stream) F(svg_surface_set_document_unit) F(text_extents) F(translate)
// clang-format on
#define SC_LIBCAIRO_POINTER(name) __typeof__(cairo_##name) *name;

extern struct ScLibcairo { SC_LIBCAIRO(SC_LIBCAIRO_POINTER) } libcairo;

// Before the first call of any of them. SC_EUNSUPPORTED: the library is not there; SC_EMEM.
ScStatus sc_libcairo_open(void);

#endif
