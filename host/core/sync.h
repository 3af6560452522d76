// Counts where the program had to wait for a device, and says it, for those who look for lost time.
#ifndef SCUTE_SYNC_H
#define SCUTE_SYNC_H

#include <stdint.h>

#include "host/core/api.h"

SC_API_BEGIN

typedef struct {
   const char *what;
   int64_t count;
} ScSync;

// Called by backends before they wait. `what` is a constant string.
void sc_note_sync(const char *what);
// What was counted since the start or the last reset.
int sc_syncs(const ScSync **out);
void sc_reset_syncs(void);
// Called at each wait; NULL for none.
void sc_watch_syncs(void (*watcher)(const char *what));

SC_API_END

#endif
