#include "host/core/host_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 16 };

// ---- what there is ----

static size_t (*meter)(void);
static atomic_llong granted; // bytes that may be taken before the meter is read again

void sc_set_memory_meter(size_t (*left)(void)) {
   meter = left;
   atomic_store(&granted, 0);
}

// The system grants any amount, and ends the process when pages are touched for which there is nothing left. So
// requests are held against what there is: read anew once a quarter of that is taken, thus rarely where there
// is plenty; others take memory too, hence the margin.
ScStatus sc_host_admit(ScDevice *device, size_t bytes) {
   if (!meter || atomic_fetch_sub(&granted, (long long)bytes) >= (long long)bytes) return SC_OK;
   size_t left = meter();
   if (left == 0) return SC_OK; // unknown
   size_t most = left - left / MARGIN;
   atomic_store(&granted, bytes < most ? (long long)(most - bytes) / 4 : 0);
   if (bytes <= most) return SC_OK;
   return sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted, %zu bytes left in memory and swap",
                  device->name, bytes, left);
}

// ---- taking and giving back ----

ScStatus sc_host_allocate(ScDevice *device, size_t bytes, void **out) {
   SC_TRY(sc_host_admit(device, bytes));
   *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
   return *out ? SC_OK : sc_fail(SC_EMEM, "out of memory on %s: %zu bytes wanted", device->name, bytes);
}

void sc_host_release(ScDevice *device, void *data, size_t bytes) {
   (void)device, (void)bytes;
   free(data);
}

ScStatus sc_host_transfer(ScDevice *device, void *to, const void *from, size_t bytes) {
   (void)device;
   memcpy(to, from, bytes);
   return SC_OK;
}
