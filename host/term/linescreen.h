// Where a line that is edited stands on the screen, for what libedit does not draw itself.
#ifndef SCUTE_LINESCREEN_H
#define SCUTE_LINESCREEN_H

#include <histedit.h>

int sc_screen_columns(void);

// A new line begins.
void sc_screen_begin(void);

// The line is drawn as a whole, not letter by letter as it is typed: its rows end before the blanks at their
// ends.
void sc_screen_drawn(EditLine *);

// Moves the cursor to the end of the line, which may be a block of several.
void sc_screen_go_to_end(EditLine *);

// Writes a block that was entered once more, as a whole, where it is longer than the screen, of which libedit
// draws the end alone.
void sc_screen_show_whole(EditLine *, const char *text);

// Clears the line from the screen after the terminal has changed its width, and with it the rows that it breaks
// the line into; leaves the cursor where the line began.
void sc_screen_wipe(EditLine *);

#endif
