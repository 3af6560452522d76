// Whether the host has memory left: what does not fit is refused before pages are touched.
#ifndef SCUTE_METER_H
#define SCUTE_METER_H

#include <stddef.h>

#include "host/core/status.h"

// Who tells how many bytes are left (host/machine), 0 where that is unknown; NULL: nobody, as at the start.
void sc_set_memory_meter(size_t (*left)(void));
// SC_EMEM where the host does not have that many bytes more; `device` is whose they would be, for the message.
ScStatus sc_memory_admit(const char *device, size_t bytes);

#endif
