// Texts that a terminal pastes. One that knows how puts them in brackets, so that they are no keys.
#ifndef SCUTE_PASTE_H
#define SCUTE_PASTE_H

#include <stdbool.h>
#include <wchar.h>

#define SC_PASTE_BEGINS "\033[200~" // before such a text; \033[201~ is behind it

// Asks the terminal for brackets, or no longer.
void sc_paste_in_brackets(bool on);

// Reads what is pasted, up to the closing bracket: line breaks are \n, and there are none at the end; control
// characters and what is no text are left out, tabs stay. NULL where a signal asks to stop, the terminal is
// gone or memory ends. To be freed.
wchar_t *sc_paste_read(void);

#endif
