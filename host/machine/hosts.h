// The machines on which the processes of a group run.
#ifndef SCUTE_HOSTS_H
#define SCUTE_HOSTS_H

#include <stdbool.h>

#include "host/core/status.h"

// This machine's name; "?" where it has none.
const char *sc_host_name(void);
// What its processor calls itself, as "Intel(R) Xeon(R) ..."; "?" where it does not tell.
const char *sc_host_processor(void);

// Finds out whether all processes of the world are on one machine. All of them call it, once they have joined.
ScStatus sc_hosts_compare(void);
// What was found; false before.
bool sc_hosts_are_several(void);

#endif
