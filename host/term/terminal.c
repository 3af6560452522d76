#define _GNU_SOURCE // environ
#include "host/term/terminal.h"

#include <chafa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/core/shared_library.h"
#include "host/photo/image_transform.h"

enum {
   COLUMNS = 80, // a terminal that does not tell its size
   ROWS = 24,
   CELL_WIDTH = 10,
   CELL_HEIGHT = 20,
   MOST_PIXELS = 4096 // of a side: libchafa ends the program where it gets no memory, so it is asked for little
};

// What is called of chafa, under its own names without "chafa_".
// clang-format off
#define FUNCTIONS(F) \
   F(canvas_config_new) F(canvas_config_set_canvas_mode) F(canvas_config_set_cell_geometry) \
   F(canvas_config_set_geometry) F(canvas_config_set_pixel_mode) F(canvas_config_set_symbol_map) \
   F(canvas_config_unref) F(canvas_draw_all_pixels) F(canvas_new) F(canvas_print) F(canvas_unref) \
   F(symbol_map_add_by_tags) F(symbol_map_new) F(symbol_map_unref) F(term_db_detect) \
   F(term_db_get_default) F(term_db_get_fallback_info) F(term_info_have_seq) \
   F(term_info_supplement) F(term_info_unref)
// clang-format on
#define POINTER(name) __typeof__(chafa_##name) *name;
#define SYMBOL(name)  {"chafa_" #name, &libchafa.name},

static struct { FUNCTIONS(POINTER) } libchafa;
static const ScSymbol symbols[] = {FUNCTIONS(SYMBOL){0}};
static const char *const files[] = {"libchafa.so.0", NULL};
static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libchafa0"};

static bool begins(const char *text, const char *start) {
   return text && strncmp(text, start, strlen(start)) == 0;
}

static ChafaTermInfo *detect(void) {
   return libchafa.term_db_detect(libchafa.term_db_get_default(), environ);
}

ScShow sc_terminal_can_show(void) {
   const char *term = getenv("TERM");
   if (!term || !*term || strcmp(term, "dumb") == 0 || begins(term, "vt")) return SC_SHOW_NONE;
   if (getenv("TMUX") || begins(term, "screen") || begins(term, "tmux")) return SC_SHOW_BLOCKS;
   if (sc_shared_library_open(&library) != SC_OK) return SC_SHOW_NONE;
   ChafaTermInfo *info = detect();
   ScShow how = libchafa.term_info_have_seq(info, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1) ? SC_SHOW_KITTY
                : libchafa.term_info_have_seq(info, CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE)           ? SC_SHOW_ITERM
                : libchafa.term_info_have_seq(info, CHAFA_TERM_SEQ_BEGIN_SIXELS)                 ? SC_SHOW_SIXEL
                                                                                 : SC_SHOW_BLOCKS;
   libchafa.term_info_unref(info);
   return how;
}

bool sc_terminal_size(int fd, ScTerminalSize *out) {
   struct winsize w;
   *out = (ScTerminalSize){COLUMNS, ROWS, CELL_WIDTH, CELL_HEIGHT};
   if (ioctl(fd, TIOCGWINSZ, &w) != 0 || w.ws_col < 1 || w.ws_row < 1) return false;
   out->columns = w.ws_col, out->rows = w.ws_row;
   if (w.ws_xpixel / w.ws_col >= 2 && w.ws_ypixel / w.ws_row >= 2)
      out->cell_width = w.ws_xpixel / w.ws_col, out->cell_height = w.ws_ypixel / w.ws_row;
   return true;
}

static int clamp(double value, int most) {
   return value < 1 ? 1 : value > most ? most : (int)(value + 0.5);
}

// In letters: as large as fits, but a pixel of the picture covers at most a pixel of the terminal (of blocks:
// half a letter, which is as high as a letter is wide).
static void fit(const ScImage *image, ScShow how, const ScTerminalSize *size, int *columns, int *rows) {
   double unit_x = how == SC_SHOW_BLOCKS ? 1 : size->cell_width;
   double unit_y = how == SC_SHOW_BLOCKS ? 2 : size->cell_height;
   double width = image->width / unit_x, height = image->height / unit_y, scale = 1;
   if (how == SC_SHOW_BLOCKS) height *= 2.0 * size->cell_width / size->cell_height;
   if (width * scale > size->columns) scale = size->columns / width;
   if (height * scale > size->rows) scale = size->rows / height;
   *columns = clamp(width * scale, size->columns);
   *rows = clamp(height * scale, size->rows);
}

static ChafaCanvasMode colours(const ChafaTermInfo *info) {
   if (libchafa.term_info_have_seq(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT))
      return CHAFA_CANVAS_MODE_TRUECOLOR;
   if (libchafa.term_info_have_seq(info, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256))
      return CHAFA_CANVAS_MODE_INDEXED_240;
   return CHAFA_CANVAS_MODE_INDEXED_16;
}

static ChafaCanvasConfig *configure(const ScImage *image, ScShow how, const ScTerminalSize *size,
                                    ChafaCanvasMode mode) {
   static const ChafaPixelMode pixel_modes[] = {[SC_SHOW_BLOCKS] = CHAFA_PIXEL_MODE_SYMBOLS,
                                                [SC_SHOW_SIXEL] = CHAFA_PIXEL_MODE_SIXELS,
                                                [SC_SHOW_KITTY] = CHAFA_PIXEL_MODE_KITTY,
                                                [SC_SHOW_ITERM] = CHAFA_PIXEL_MODE_ITERM2};
   int columns, rows;
   fit(image, how, size, &columns, &rows);
   ChafaCanvasConfig *config = libchafa.canvas_config_new();
   libchafa.canvas_config_set_geometry(config, columns, rows);
   libchafa.canvas_config_set_cell_geometry(config, size->cell_width, size->cell_height);
   libchafa.canvas_config_set_canvas_mode(config, how == SC_SHOW_BLOCKS ? mode : CHAFA_CANVAS_MODE_TRUECOLOR);
   libchafa.canvas_config_set_pixel_mode(config, pixel_modes[how]);
   ChafaSymbolMap *map = libchafa.symbol_map_new();
   libchafa.symbol_map_add_by_tags(map, CHAFA_SYMBOL_TAG_SPACE | CHAFA_SYMBOL_TAG_SOLID |
                                            CHAFA_SYMBOL_TAG_VHALF | CHAFA_SYMBOL_TAG_HHALF |
                                            CHAFA_SYMBOL_TAG_QUAD);
   libchafa.canvas_config_set_symbol_map(config, map);
   libchafa.symbol_map_unref(map);
   return config;
}

static GString *print(const ScImage *image, ScShow how, const ScTerminalSize *size) {
   ChafaTermInfo *info = detect();
   ChafaCanvasMode mode = colours(info);
   // Asked for outright: also what this terminal is not known to understand.
   ChafaTermInfo *every = libchafa.term_db_get_fallback_info(libchafa.term_db_get_default());
   libchafa.term_info_supplement(info, every);
   libchafa.term_info_unref(every);
   ChafaCanvasConfig *config = configure(image, how, size, mode);
   ChafaCanvas *canvas = libchafa.canvas_new(config);
   libchafa.canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, image->rgb, image->width, image->height,
                                   3 * image->width);
   GString *printed = libchafa.canvas_print(canvas, info);
   libchafa.canvas_unref(canvas);
   libchafa.canvas_config_unref(config);
   libchafa.term_info_unref(info);
   return printed;
}

static ScStatus copy(GString *printed, char **text, size_t *size) {
   *size = printed->len + 1;
   *text = malloc(*size);
   if (*text) {
      memcpy(*text, printed->str, printed->len);
      (*text)[printed->len] = '\n';
   }
   g_string_free(printed, TRUE);
   return *text ? SC_OK : sc_fail(SC_EMEM, "terminal: no memory for a picture of %zu bytes", *size);
}

ScStatus sc_terminal_picture(const ScImage *image, ScShow how, const ScTerminalSize *size, char **text,
                             size_t *length) {
   *text = NULL, *length = 0;
   if (how <= SC_SHOW_NONE || how > SC_SHOW_ITERM)
      return sc_fail(SC_EARG, "terminal: expected a way to show pictures, found none");
   if (size->columns < 1 || size->rows < 1 || size->cell_width < 1 || size->cell_height < 1)
      return sc_fail(SC_EARG, "terminal: expected at least 1 column and row, found %d and %d", size->columns,
                     size->rows);
   SC_TRY(sc_shared_library_open(&library));
   if (image->width <= MOST_PIXELS && image->height <= MOST_PIXELS)
      return copy(print(image, how, size), text, length);
   int longer = image->width > image->height ? image->width : image->height;
   ScImage smaller;
   SC_TRY(sc_image_resize_to(image, clamp((double)image->width * MOST_PIXELS / longer, MOST_PIXELS),
                             clamp((double)image->height * MOST_PIXELS / longer, MOST_PIXELS), SC_BILINEAR,
                             &smaller));
   GString *printed = print(&smaller, how, size);
   sc_image_free(&smaller);
   return copy(printed, text, length);
}
