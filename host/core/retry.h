// What is done when memory runs out: garbage is collected, caches are given up, and what failed is tried once
// more.
#ifndef SCUTE_RETRY_H
#define SCUTE_RETRY_H

#include "host/core/api.h"
#include "host/core/status.h"

SC_API_BEGIN

// Runs `run(context)`; where that is SC_EMEM, which means that nothing has happened, frees what can be freed
// and runs it again; not where it has met other processes (host/core/world.h), which do not. Only between ops,
// never within a kernel, whose caches it would take away, and only in the thread of the program.
ScStatus sc_with_retry(ScStatus (*run)(void *context), void *context);

// Who collects garbage that holds tensors: host/bind. NULL: there is none.
void sc_set_collector(void (*collect)(void));

SC_API_END

#endif
