// Mapped files that are cut off by somebody else, or whose disk fails, while they are read. The system ends a
// program that touches such a page (SIGBUS); here the rest of the mapping becomes zeros, and who reads it asks
// afterwards whether that happened.
#ifndef SCUTE_LOST_PAGES_H
#define SCUTE_LOST_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "host/core/status.h"

typedef struct ScPages ScPages;

// From now on pages in [begin, begin + bytes), which the caller mapped, may be lost without harm: in threads
// that do not block SIGBUS. Another page that is lost does what it did before. SC_EMEM.
ScStatus sc_pages_watch(ScPages **out, void *begin, size_t bytes);
bool sc_pages_lost(const ScPages *);
void sc_pages_forget(ScPages *); // before they are unmapped; NULL is fine

#endif
