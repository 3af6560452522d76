#include "host/core/host_memory.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/meter.h"

ScStatus sc_host_allocate(ScDevice *device, size_t bytes, void **out) {
   SC_TRY(sc_memory_admit(device->name, bytes));
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
