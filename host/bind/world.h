// Who speaks among processes that do one thing together.
#ifndef SCUTE_BIND_WORLD_H
#define SCUTE_BIND_WORLD_H

#include <stdbool.h>

#include "host/bind/open.h"

// Whether this process is to say why it fails. Of several that fail alike the first one does: the others leave
// it time to, in which all of them are ended.
bool sc_world_speaks(void);
// What a message begins with: "scute: ", or "scute: rank 2: ".
const char *sc_world_speaker(void);
// Whether this process has begun a message so.
bool sc_world_has_spoken(void);

// Whether a launcher has started this process: then its streams are the launcher's.
void sc_world_set_launched(bool);

#endif
