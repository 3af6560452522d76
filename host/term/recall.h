// Walking through the history: entries that begin as the line did before the cursor, newest first.
#ifndef SCUTE_RECALL_H
#define SCUTE_RECALL_H

#include <stdbool.h>
#include <stddef.h>

// Adds an entry, which may have several lines.
void sc_recall_add(const char *entry);

// What to show instead of a line, whose first `before` bytes are before the cursor: the next older entry, or
// the next newer one and at last what was typed. NULL where there is none. Valid until the next call.
const char *sc_recall(const char *line, size_t length, size_t before, bool older);

void sc_recall_free(void);

#endif
