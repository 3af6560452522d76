#include "host/core/meter.h"

#include <stdatomic.h>

enum { MARGIN = 16 };

static size_t (*meter)(void);
static atomic_llong granted; // bytes that may be taken before the meter is read again

void sc_set_memory_meter(size_t (*left)(void)) {
   meter = left;
   atomic_store(&granted, 0);
}

// The system grants any amount, and ends the process when pages are touched for which there is nothing left. So
// requests are held against what there is: read anew once a quarter of that is taken, thus rarely where there
// is plenty; others take memory too, hence the margin.
ScStatus sc_memory_admit(const char *device, size_t bytes) {
   if (!meter || atomic_fetch_sub(&granted, (long long)bytes) >= (long long)bytes) return SC_OK;
   size_t left = meter();
   if (left == 0) return SC_OK; // unknown
   size_t most = left - left / MARGIN;
   atomic_store(&granted, bytes < most ? (long long)(most - bytes) / 4 : 0);
   if (bytes <= most) return SC_OK;
   return sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted, %zu bytes left in memory and swap", device,
                  bytes, left);
}
