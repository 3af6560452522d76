// The file that keeps what was typed: $XDG_STATE_HOME/scute/history, ~/.local/state/scute/history by default.
// An entry is a line of the file; in a block of several lines those end in carriage returns, which no typed
// line holds.
#ifndef SCUTE_HISTORY_H
#define SCUTE_HISTORY_H

enum {
   SC_HISTORY_KEPT = 1000, // entries; the file may hold twice as many before it is cut
   SC_HISTORY_LONGEST =
       65536 // bytes of an entry that the file takes; sessions do without files that are pasted
};

// Calls `add` with each of the last entries, oldest first. Where there is no file there is no history, and no
// error.
void sc_history_load(void (*add)(void *context, const char *entry), void *context);

// Appends at once and in one piece, so that sessions side by side keep each other's entries and none is lost
// when one ends badly.
void sc_history_append(const char *entry);

#endif
