// Text that may come out of a file, on its way to a terminal, which takes some characters for commands.
#ifndef SCUTE_VISIBLE_H
#define SCUTE_VISIBLE_H

#include <stdio.h>

// Control characters, those of UTF-8's second kind (U+0080 to U+009F) too, become ?; line breaks and tabs stay.
void sc_make_visible(char *text);
// Writes a text with that done.
void sc_put_visible(FILE *, const char *text);

#endif
