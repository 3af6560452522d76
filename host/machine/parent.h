// A process that is of no use without the one that started it.
#ifndef SCUTE_PARENT_H
#define SCUTE_PARENT_H

#include "host/core/status.h"

// From now on this process is killed as its parent `id` ends, however that ends: what it holds (locks, memory)
// is free for who comes next. Fails where another process is the parent by now: then that one has ended
// already.
ScStatus sc_end_with_parent(long id);

#endif
