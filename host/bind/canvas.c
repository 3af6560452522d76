// A canvas: methods that draw, and that write PNG, SVG and PDF.
#include "host/draw/canvas_save.h"

#include <stdlib.h>
#include <string.h>

#include "host/bind/image.h"
#include "host/bind/options.h"

#define TYPE "scute.canvas"

// Asked for last, when nothing of Lua's can free it before it is used.
static ScCanvas *self(lua_State *L, const char *method) {
   ScCanvas **handle = luaL_checkudata(L, 1, TYPE);
   if (!*handle) luaL_error(L, "%s: this canvas was freed by :free() or <close>", method);
   return *handle;
}

// canvas:free(): lets go of its memory now; also on collection and <close>
static int release(lua_State *L) {
   ScCanvas **handle = luaL_checkudata(L, 1, TYPE);
   sc_canvas_free(*handle);
   *handle = NULL;
   return 0;
}

// scute.canvas(width, height) -> canvas, white; in pixels from the upper left corner
static int new_canvas(lua_State *L) {
   double width = luaL_checknumber(L, 1), height = luaL_checknumber(L, 2);
   ScCanvas **handle = lua_newuserdatauv(L, sizeof *handle, 0);
   *handle = NULL;
   luaL_setmetatable(L, TYPE);
   sc_check(L, sc_canvas_new(width, height, handle));
   return 1;
}

// scute.canvas_font() -> "real", "strokes" (no font is installed: cairo's own strokes) or "none" (texts are
// left out)
static int font(lua_State *L) {
   static const char *const names[] = {
       [SC_FONT_REAL] = "real", [SC_FONT_STROKES] = "strokes", [SC_FONT_NONE] = "none"};
   lua_pushstring(L, names[sc_canvas_font()]);
   return 1;
}

// ---- what things look like ----

static const char *const style_names[] = {"color", "alpha", "width", "dash",   "fill",  "closed", "size",
                                          "bold",  "align", "angle", "smooth", "scale", NULL};

static void bad_colour(lua_State *L, const char *method) {
   luaL_error(L, "%s: option 'color': expected a colour as '#0072B2', found %s", method,
              sc_describe_value(L, -1));
}

static void read_colour(lua_State *L, int index, const char *method, ScPaint *p) {
   if (sc_raw_field(L, index, "color") != LUA_TNIL) {
      const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      char *end = NULL;
      unsigned long rgb = text[0] == '#' ? strtoul(text + 1, &end, 16) : 0;
      if (!end || *end || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6)
         bad_colour(L, method);
      p->red = (double)(rgb >> 16) / 255, p->green = (double)(rgb >> 8 & 255) / 255,
      p->blue = (double)(rgb & 255) / 255;
   }
   lua_pop(L, 1);
}

static void read_dash(lua_State *L, int index, const char *method, ScPaint *p) {
   if (sc_raw_field(L, index, "dash") != LUA_TNIL) {
      lua_Unsigned n = lua_istable(L, -1) ? lua_rawlen(L, -1) : SC_CANVAS_DASHES + 1;
      if (n > SC_CANVAS_DASHES)
         luaL_error(L, "%s: option 'dash': expected a list of at most %d lengths, found %s", method,
                    SC_CANVAS_DASHES, sc_describe_value(L, -1));
      p->ndash = (int)n;
      for (int i = 0; i < p->ndash; i++) {
         lua_rawgeti(L, -1, i + 1);
         p->dash[i] = luaL_checknumber(L, -1);
         lua_pop(L, 1);
      }
   }
   lua_pop(L, 1);
}

// Makes sure that a table of options lies at `index`.
static void settle(lua_State *L, int index, const char *method) {
   if (lua_isnoneornil(L, index)) {
      lua_settop(L, index - 1);
      lua_newtable(L);
   }
   sc_check_options(L, index, method, style_names);
}

static ScPaint read_paint(lua_State *L, int index, const char *method) {
   ScPaint p = {.alpha = sc_option_number(L, index, method, "alpha", 1, 0, 1),
                .width = sc_option_number(L, index, method, "width", 1, 0, 1e4),
                .fill = sc_option_boolean(L, index, method, "fill", false)};
   read_colour(L, index, method, &p);
   read_dash(L, index, method, &p);
   return p;
}

static ScTextStyle read_text_style(lua_State *L, int index, const char *method) {
   static const char *const aligns[] = {[SC_LEFT] = "left", [SC_CENTER] = "center", [SC_RIGHT] = "right", NULL};
   return (ScTextStyle){.size = sc_option_number(L, index, method, "size", 12, 0.5, 2000),
                        .bold = sc_option_boolean(L, index, method, "bold", false),
                        .align = (ScAlign)sc_option_choice(L, index, method, "align", SC_LEFT, aligns),
                        .angle = sc_option_number(L, index, method, "angle", 0, -3600, 3600)};
}

// ---- drawing ----

// canvas:polyline({x1, y1, x2, y2, ...}, {color = "#000000", alpha = 1, width = 1, dash = {on, off}, fill =
// false, closed = false}): a line through these points; closed: back to the first; fill: the area in it too
static int polyline(lua_State *L) {
   luaL_checktype(L, 2, LUA_TTABLE);
   settle(L, 3, "polyline");
   ScPaint p = read_paint(L, 3, "polyline");
   bool closed = sc_option_boolean(L, 3, "polyline", "closed", false);
   int n = sc_list_length(L, 2, "polyline");
   if (n < 2 || n % 2)
      return luaL_error(L, "polyline: expected pairs {x1, y1, x2, y2, ...}, found %d numbers", n);
   double *xy = sc_push_array(L, n, sizeof *xy);
   for (int i = 0; i < n; i++) {
      if (lua_rawgeti(L, 2, i + 1) != LUA_TNUMBER)
         return luaL_error(L, "polyline: expected numbers, found %s at position %d", sc_describe_value(L, -1),
                           i + 1);
      xy[i] = lua_tonumber(L, -1);
      lua_pop(L, 1);
   }
   sc_check(L, sc_canvas_polyline(self(L, "polyline"), xy, n / 2, closed, &p));
   return 0;
}

// canvas:rect(x, y, width, height, {color, alpha, width, dash, fill}): a rectangle: its border, with fill the
// area in it
static int rect(lua_State *L) {
   double v[4];
   for (int i = 0; i < 4; i++) v[i] = luaL_checknumber(L, i + 2);
   settle(L, 6, "rect");
   ScPaint p = read_paint(L, 6, "rect");
   sc_check(L, sc_canvas_rect(self(L, "rect"), v[0], v[1], v[2], v[3], &p));
   return 0;
}

// canvas:circle(x, y, radius, {color, alpha, width, dash, fill}): a circle around (x, y), likewise
static int circle(lua_State *L) {
   double x = luaL_checknumber(L, 2), y = luaL_checknumber(L, 3), radius = luaL_checknumber(L, 4);
   settle(L, 5, "circle");
   ScPaint p = read_paint(L, 5, "circle");
   sc_check(L, sc_canvas_circle(self(L, "circle"), x, y, radius, &p));
   return 0;
}

// canvas:text(x, y, text, {size = 12, bold = false, align = "left", "center" or "right", angle = degrees
// clockwise, color, alpha}): y is the baseline
static int text(lua_State *L) {
   double x = luaL_checknumber(L, 2), y = luaL_checknumber(L, 3);
   const char *string = luaL_checkstring(L, 4);
   settle(L, 5, "text");
   ScPaint p = read_paint(L, 5, "text");
   ScTextStyle style = read_text_style(L, 5, "text");
   sc_check(L, sc_canvas_text(self(L, "text"), x, y, string, &style, &p));
   return 0;
}

// canvas:measure(text, {size, bold}) -> width, ascent, descent in pixels
static int measure(lua_State *L) {
   const char *string = luaL_checkstring(L, 2);
   settle(L, 3, "measure");
   ScTextStyle style = read_text_style(L, 3, "measure");
   ScTextSize size;
   sc_check(L, sc_canvas_measure(self(L, "measure"), string, &style, &size));
   lua_pushnumber(L, size.width);
   lua_pushnumber(L, size.ascent);
   lua_pushnumber(L, size.descent);
   return 3;
}

// The pixels of an image, or of a u8 tensor (1, 3, H, W), which lie as an image's do. The value keeps them.
static ScImage pixels_of(lua_State *L, int index) {
   ScImage *handle = luaL_testudata(L, index, SC_IMAGE_TYPE);
   if (handle && !handle->rgb) luaL_error(L, "image: this image was freed by :free() or <close>");
   if (handle) return *handle;
   ScTensor *t = sc_test_tensor(L, index);
   if (!t || t->dtype != SC_U8 || t->rank != 4 || t->shape[0] != 1 || t->shape[1] != 3 ||
       t->device != sc_device_cpu() || t->shape[2] < 1 || t->shape[3] < 1 || t->shape[2] > 32767 ||
       t->shape[3] > 32767)
      luaL_error(L, "image: expected a scute.image or a u8 tensor (1, 3, height, width) of the cpu, found %s",
                 sc_describe_value(L, index));
   return (ScImage){(int)t->shape[3], (int)t->shape[2], t->buffer->data};
}

// canvas:image(image, x, y, width, height, {alpha = 1, smooth = true}): a scute.image, or a u8 tensor (1, 3, H,
// W)
static int image(lua_State *L) {
   double v[4];
   for (int i = 0; i < 4; i++) v[i] = luaL_checknumber(L, i + 3);
   settle(L, 7, "image");
   double alpha = sc_option_number(L, 7, "image", "alpha", 1, 0, 1);
   bool smooth = sc_option_boolean(L, 7, "image", "smooth", true);
   ScImage pixels = pixels_of(L, 2);
   sc_check(L, sc_canvas_image(self(L, "image"), &pixels, v[0], v[1], v[2], v[3], alpha, smooth));
   return 0;
}

// canvas:push(): clip, translate, scale and rotate hold until canvas:pop()
static int push(lua_State *L) {
   sc_check(L, sc_canvas_push(self(L, "push")));
   return 0;
}

// canvas:pop(): what held at the last canvas:push() holds again
static int pop(lua_State *L) {
   sc_check(L, sc_canvas_pop(self(L, "pop")));
   return 0;
}

// canvas:clip(x, y, width, height): nothing is drawn outside of this rectangle
static int clip(lua_State *L) {
   sc_check(L, sc_canvas_clip(self(L, "clip"), luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                              luaL_checknumber(L, 4), luaL_checknumber(L, 5)));
   return 0;
}

// canvas:translate(x, y): the point (x, y) becomes the origin
static int translate(lua_State *L) {
   sc_check(L, sc_canvas_translate(self(L, "translate"), luaL_checknumber(L, 2), luaL_checknumber(L, 3)));
   return 0;
}

// canvas:scale(x, y = x): what is drawn becomes so many times as wide and as high
static int scale(lua_State *L) {
   double x = luaL_checknumber(L, 2);
   sc_check(L, sc_canvas_scale(self(L, "scale"), x, luaL_optnumber(L, 3, x)));
   return 0;
}

// canvas:rotate(degrees), clockwise
static int rotate(lua_State *L) {
   sc_check(L, sc_canvas_rotate(self(L, "rotate"), luaL_checknumber(L, 2)));
   return 0;
}

// ---- coming out ----

static double read_scale(lua_State *L, int index, const char *method) {
   settle(L, index, method);
   return sc_option_number(L, index, method, "scale", 1, 0.01, 64);
}

// canvas:save("x.png" or ".svg" or ".pdf", {scale = 1}): never half a file; scale counts for PNG
static int save(lua_State *L) {
   const char *path = luaL_checkstring(L, 2);
   double factor = read_scale(L, 3, "save");
   sc_check(L, sc_canvas_save(self(L, "save"), path, factor));
   return 0;
}

// canvas:encode("png", "svg" or "pdf", {scale = 1}) -> the file's bytes
static int encode(lua_State *L) {
   static const char *const formats[] = {[SC_PNG] = "png", [SC_SVG] = "svg", [SC_PDF] = "pdf", NULL};
   int format = luaL_checkoption(L, 2, NULL, formats);
   double factor = read_scale(L, 3, "encode");
   const unsigned char *data;
   size_t size;
   sc_check(L, sc_canvas_encode(self(L, "encode"), (ScPictureFormat)format, factor, &data, &size));
   lua_pushlstring(L, (const char *)data, size);
   return 1;
}

// canvas:render{scale = 1} -> scute.image
static int render(lua_State *L) {
   double factor = read_scale(L, 2, "render");
   ScImage *out = sc_push_image(L);
   return sc_finish_image(L, "render", out, sc_canvas_render(self(L, "render"), factor, out));
}

// canvas:size() -> width, height
static int size(lua_State *L) {
   ScCanvas *canvas = self(L, "size");
   lua_pushnumber(L, sc_canvas_width(canvas));
   lua_pushnumber(L, sc_canvas_height(canvas));
   return 2;
}

static const luaL_Reg methods[] = {
    {"polyline", polyline}, {"rect", rect},    {"circle", circle}, {"text", text}, {"measure", measure},
    {"image", image},       {"push", push},    {"pop", pop},       {"clip", clip}, {"translate", translate},
    {"scale", scale},       {"size", size},    {"rotate", rotate}, {"save", save}, {"encode", encode},
    {"render", render},     {"free", release}, {NULL, NULL}};

static void open_canvas(lua_State *L) {
   sc_new_type(L, TYPE, methods, release);
   lua_pushcfunction(L, new_canvas);
   lua_setfield(L, -2, "canvas");
   lua_pushcfunction(L, font);
   lua_setfield(L, -2, "canvas_font");
}
SC_OPENER(open_canvas)
