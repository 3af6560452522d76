// Backends that are not linked into the program: shared objects, opened when a device of theirs is asked for.
#ifndef SCUTE_PLUGIN_H
#define SCUTE_PLUGIN_H

#include "host/core/status.h"

// Opens scute_<backend>.so, whose constructors register the backend and its kernels. It is looked for in the
// folder $SCUTE_PLUGINS, then beside the program (build/), then in ../lib/scute (installed). After a failure it
// may be tried again. SC_EUNSUPPORTED: there is no such file, or it does not load, with what is missing in the
// message.
ScStatus sc_plugin_open(const char *backend);

#endif
