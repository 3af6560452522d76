// Reads lines from standard input: with editing, history and completion at a terminal (libedit), plainly
// elsewhere.
#ifndef SCUTE_LINEEDIT_H
#define SCUTE_LINEEDIT_H

#include <stdbool.h>

#include "host/term/completer.h"

typedef enum {
   SC_LINE,             // a line was read
   SC_LINE_END,         // end of input, or Ctrl-D on an empty line
   SC_LINE_INTERRUPTED, // a signal asked to stop; see sc_interrupted()
} ScLine;

// Both standard input and standard output are terminals: there is somebody to talk to.
bool sc_line_at_terminal(void);

// Prepares editing and reads the history file; false where there is no terminal, which sc_line_read can do
// with.
bool sc_line_open(ScCompleter, void *context);

// Reads one line without its newline; valid until the next call. At a terminal it may be a block of several
// lines: one that was pasted, or recalled from the history.
ScLine sc_line_read(const char *prompt, const char **line);

// Enters a block, which may be put together from several lines, into the history.
void sc_line_remember(const char *text);

void sc_line_close(void);

#endif
