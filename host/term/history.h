// The file that keeps what was typed: $XDG_STATE_HOME/scute/history, ~/.local/state/scute/history by default.
#ifndef SCUTE_HISTORY_H
#define SCUTE_HISTORY_H

enum { SC_HISTORY_KEPT = 1000 }; // lines; the file may hold twice as many before it is cut

// Calls `add` with each of the last lines, oldest first. Where there is no file there is no history, and no
// error.
void sc_history_load(void (*add)(void *context, const char *line), void *context);

// Appends at once, so that sessions side by side keep each other's lines and none is lost when one ends badly.
void sc_history_append(const char *line);

#endif
