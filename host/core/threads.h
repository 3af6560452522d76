// Compute threads: OpenMP's, of which a team divides the work of a kernel.
#ifndef SCUTE_THREADS_H
#define SCUTE_THREADS_H

#include "host/core/status.h"

// From now on kernels are computed by so many threads, which are started here: where that is not possible
// SC_EMEM tells it and all is as before, while OpenMP would end the process at its next loop.
ScStatus sc_threads_set(int n);

#endif
