#include "host/core/visible.h"

// How many bytes at `at` are a control character; 0 where it is none.
static int control_length(const char *at) {
   unsigned char first = (unsigned char)at[0], second = first ? (unsigned char)at[1] : 0;
   if (first == 0xc2 && second >= 0x80 && second <= 0x9f) return 2;
   return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7f;
}

void sc_make_visible(char *text) {
   char *to = text;
   for (const char *at = text; *at; to++) {
      int length = control_length(at);
      *to = length ? '?' : *at;
      at += length ? length : 1;
   }
   *to = '\0';
}

void sc_put_visible(FILE *file, const char *text) {
   while (*text) {
      int length = control_length(text);
      putc(length ? '?' : *text, file);
      text += length ? length : 1;
   }
}
