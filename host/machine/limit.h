// How much of the machine's memory a process may take, and who is the first to go where there is none left.
#ifndef SCUTE_LIMIT_H
#define SCUTE_LIMIT_H

#include "host/core/status.h"

// From now on this process has at most so many bytes of memory of its own (its data, the stacks of its threads;
// not what it maps of files, nor a GPU's): what would exceed them fails as if the machine had no more. -1: no
// limit. *before (NULL is fine): the limit until now, -1 where there was none. Fails where the process has more
// than that already.
ScStatus sc_limit_memory(long long bytes, long long *before);

// Asks the system to end this process, and those that it starts, before any other where memory runs out. Does
// nothing where that is not allowed.
void sc_killed_first(void);

#endif
