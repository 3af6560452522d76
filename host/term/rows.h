// Where a text that begins in the first column of a terminal ends, as libedit and terminals break it into rows.
#ifndef SCUTE_ROWS_H
#define SCUTE_ROWS_H

#include <stddef.h>
#include <wchar.h>

typedef struct {
   int row, column; // from 0
} ScPlace;

ScPlace sc_place_after(const wchar_t *text, size_t length, int columns);

// The place behind a text that was drawn on `before` columns and that a terminal has broken anew for `columns`.
// Of its first `drawn` letters, a row that ended with a blank ended before it, for good; all other rows flow.
ScPlace sc_place_after_resize(const wchar_t *text, size_t length, size_t drawn, int before, int columns);

#endif
