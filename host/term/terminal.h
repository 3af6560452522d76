// Pictures in a terminal, through libchafa: as pixels where it takes them, else as coloured block letters.
#ifndef SCUTE_TERMINAL_H
#define SCUTE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "host/photo/image.h"
#include "host/core/status.h"

typedef enum { SC_SHOW_NONE, SC_SHOW_BLOCKS, SC_SHOW_SIXEL, SC_SHOW_KITTY, SC_SHOW_ITERM } ScShow;

typedef struct {
   int columns, rows;           // in letters
   int cell_width, cell_height; // of a letter, in pixels; a guess where the terminal does not tell
} ScTerminalSize;

// What the terminal that TERM, COLORTERM and the variables of some terminals name can show. Inside screen and
// tmux, which swallow pixels, blocks.
ScShow sc_terminal_can_show(void);

// The size of the terminal behind a file descriptor; false, and 80 x 24, where it is none or does not tell.
bool sc_terminal_size(int fd, ScTerminalSize *out);

// The bytes that draw the picture at the cursor, at most `columns` letters wide and `rows` high, and no larger
// than its own pixels; the line after it is free. To be freed by the caller. SC_EARG for SC_SHOW_NONE.
ScStatus sc_terminal_picture(const ScImage *, ScShow, const ScTerminalSize *, char **text, size_t *size);

#endif
