#define _GNU_SOURCE
#include "host/term/linescreen.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/core/visible.h"
#include "host/term/rows.h"

static int width;    // of the terminal when the line was drawn
static size_t drawn; // letters of prompt and line that were drawn as a whole

static struct winsize size_of_screen(void) {
   struct winsize size;
   bool told = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
   return told ? size : (struct winsize){.ws_col = 80, .ws_row = 24};
}

int sc_screen_columns(void) {
   return size_of_screen().ws_col;
}

// Prompt and line, up to a letter of the line. To be freed; NULL where memory ends.
static wchar_t *text_to(EditLine *el, const wchar_t *end, size_t *length) {
   char *(*prompt)(EditLine *) = NULL;
   const LineInfoW *line = el_wline(el);
   size_t before = el_get(el, EL_PROMPT, &prompt) == 0 ? mbstowcs(NULL, prompt(el), 0) : 0,
          n = (size_t)(end - line->buffer);
   if (before == (size_t)-1) before = 0;
   wchar_t *text = calloc(before + n + 1, sizeof *text);
   if (!text) return NULL;
   if (before > 0) mbstowcs(text, prompt(el), before);
   memcpy(text + before, line->buffer, n * sizeof *text);
   *length = before + n;
   return text;
}

static ScPlace place_of(EditLine *el, const wchar_t *letter, int columns) {
   size_t length = 0;
   wchar_t *text = text_to(el, letter, &length);
   ScPlace place = text ? sc_place_after(text, length, columns) : (ScPlace){0, 0};
   free(text);
   return place;
}

void sc_screen_begin(void) {
   width = sc_screen_columns();
   drawn = 0;
}

void sc_screen_drawn(EditLine *el) {
   free(text_to(el, el_wline(el)->lastchar, &drawn));
   width = sc_screen_columns();
}

void sc_screen_go_to_end(EditLine *el) {
   const LineInfoW *line = el_wline(el);
   int columns = sc_screen_columns();
   ScPlace end = place_of(el, line->lastchar, columns);
   for (int rows = end.row - place_of(el, line->cursor, columns).row; rows > 0; rows--) putchar('\n');
   putchar('\r');
   if (end.column > 0) printf("\033[%dC", end.column);
   fflush(stdout);
}

// Over what stands there: some terminals keep a screen that is cleared.
static void write_over(const char *text) {
   char *visible = strdup(text);
   if (!visible) return;
   sc_make_visible(visible);
   for (const char *c = visible; *c; c++) fputs(*c == '\n' ? "\033[K\n" : (char[]){*c, 0}, stdout);
   fputs("\033[J\n", stdout);
   free(visible);
}

void sc_screen_show_whole(EditLine *el, const char *text) {
   char *(*prompt)(EditLine *) = NULL;
   struct winsize size = size_of_screen();
   if (place_of(el, el_wline(el)->lastchar, size.ws_col).row <= size.ws_row) return;
   if (el_get(el, EL_PROMPT, &prompt) != 0) return;
   printf("\033[H%s", prompt(el));
   write_over(text);
   fflush(stdout);
}

// Whether the terminal breaks its text anew when it becomes wider or narrower. Most do.
static bool breaks_anew(void) {
   const char *term = getenv("TERM");
   bool screen = term && strncmp(term, "screen", 6) == 0 && !getenv("TMUX");
   return !getenv("XTERM_VERSION") && !screen && !(term && strcmp(term, "linux") == 0);
}

void sc_screen_wipe(EditLine *el) {
   size_t length = 0;
   wchar_t *text = text_to(el, el_wline(el)->cursor, &length);
   int columns = breaks_anew() ? sc_screen_columns() : width;
   int rows = text ? sc_place_after_resize(text, length, drawn, width, columns).row : 0;
   free(text);
   if (rows > 0) printf("\033[%dA", rows);
   fputs("\r\033[J", stdout);
   fflush(stdout);
}
