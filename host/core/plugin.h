// What is not linked into the program: shared objects, opened when a device or a transport of theirs is asked
// for.
#ifndef SCUTE_PLUGIN_H
#define SCUTE_PLUGIN_H

#include "host/core/status.h"

typedef struct {
   const char *name;    // "cuda": scute_cuda.so
   const char *brings;  // "cuda backend"
   const char *advice;  // how there comes to be one
   const char *instead; // how to do without it: "use --device cpu"
} ScPlugin;

// Opens scute_<name>.so, whose constructors register what it brings. It is looked for in the folder
// $SCUTE_PLUGINS, then beside the program (build/), then in ../lib/scute (installed). After a failure it may be
// tried again. SC_EUNSUPPORTED: there is no such file, or it does not load, with what is missing in the
// message.
ScStatus sc_plugin_open(const ScPlugin *);
// Whether there is such a file.
ScStatus sc_plugin_find(const ScPlugin *);

#endif
