#include "host/core/retry.h"

#include <stddef.h>

#include "host/core/device.h"
#include "host/core/world.h"

static void (*collector)(void);

void sc_set_collector(void (*collect)(void)) {
   collector = collect;
}

ScStatus sc_with_retry(ScStatus (*run)(void *context), void *context) {
   uint64_t meetings = sc_world_meetings();
   ScStatus status = run(context);
   if (status != SC_EMEM || sc_world_meetings() != meetings) return status;
   if (collector) collector();
   sc_flush_devices();
   return run(context);
}
