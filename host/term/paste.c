#define _GNU_SOURCE
#include "host/term/paste.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wctype.h>

#include "host/term/keyboard.h"

static const char END[] = "\033[201~";

void sc_paste_in_brackets(bool on) {
   const char *term = getenv("TERM");
   if (!term || !*term || strcmp(term, "dumb") == 0) return;
   fputs(on ? "\033[?2004h" : "\033[?2004l", stdout);
   fflush(stdout);
}

static bool ends_with(const char *text, size_t length, const char *end) {
   size_t n = strlen(end);
   return length >= n && memcmp(text + length - n, end, n) == 0;
}

// Whether somebody presses the key that interrupts because the closing bracket does not come: nothing follows
// it.
static bool is_pressed(char byte) {
   return sc_key_interrupts(byte) && !sc_key_ahead();
}

static char *read_bytes(size_t *length) {
   size_t capacity = 0;
   char *text = NULL, byte;
   for (*length = 0; sc_pasted_byte(&byte) == 1 && !is_pressed(byte);) {
      if (*length == capacity) {
         capacity = capacity ? 2 * capacity : 1024;
         char *more = realloc(text, capacity);
         if (!more) break;
         text = more;
      }
      text[(*length)++] = byte;
      if (ends_with(text, *length, END)) {
         *length -= strlen(END);
         return text;
      }
   }
   free(text);
   return NULL;
}

// Decodes what is text; `out` has room for `length` letters and a zero.
static void decode(const char *text, size_t length, wchar_t *out) {
   mbstate_t state = {0};
   wchar_t *to = out, before = 0;
   for (size_t i = 0; i < length;) {
      wchar_t letter;
      size_t used = mbrtowc(&letter, text + i, length - i, &state);
      if (used == (size_t)-2) break;
      if (used == (size_t)-1) memset(&state, 0, sizeof state);
      i += used == (size_t)-1 || used == 0 ? 1 : used;
      if (used == (size_t)-1 || used == 0) continue;
      bool second_half = letter == L'\n' && before == L'\r';
      before = letter;
      if (letter == L'\r') letter = L'\n'; // as some terminals paste
      if (!second_half && (letter == L'\n' || letter == L'\t' || !iswcntrl((wint_t)letter))) *to++ = letter;
   }
   while (to > out && to[-1] == L'\n') to--;
   *to = L'\0';
}

wchar_t *sc_paste_read(void) {
   size_t length;
   char *bytes = read_bytes(&length);
   wchar_t *text = bytes ? calloc(length + 1, sizeof *text) : NULL;
   if (text) decode(bytes, length, text);
   free(bytes);
   return text;
}
