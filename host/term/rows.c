#define _GNU_SOURCE
#include "host/term/rows.h"

#include <stdbool.h>
#include <wctype.h>

enum { TAB = 8 };

static int width_of(wchar_t letter, int column) {
   if (letter == L'\t') return TAB - column % TAB;
   if (iswcntrl((wint_t)letter)) return 2; // ^A
   int width = wcwidth(letter);
   return width < 0 ? 8 : width; // \U+1234
}

static ScPlace after_letter(ScPlace at, wchar_t letter, int columns) {
   if (letter == L'\n') return (ScPlace){at.row + 1, 0};
   int width = width_of(letter, at.column);
   if (at.column + width > columns) at = (ScPlace){at.row + 1, 0}; // a wide letter never stands in two rows
   at.column += width;
   return at.column >= columns ? (ScPlace){at.row + 1, 0} : at;
}

ScPlace sc_place_after(const wchar_t *text, size_t length, int columns) {
   ScPlace at = {0, 0};
   for (size_t i = 0; i < length; i++) at = after_letter(at, text[i], columns);
   return at;
}

ScPlace sc_place_after_resize(const wchar_t *text, size_t length, size_t drawn, int before, int columns) {
   ScPlace was = {0, 0}, at = {0, 0};
   for (size_t i = 0; i < length; i++) {
      ScPlace next = after_letter(was, text[i], before);
      bool ends_row = next.row > was.row && text[i] != L'\n';
      at = ends_row && text[i] == L' ' && i < drawn ? (ScPlace){at.row + 1, 0}
                                                    : after_letter(at, text[i], columns);
      was = next;
   }
   return at;
}
