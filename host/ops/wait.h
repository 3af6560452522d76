// Ops whose results, or whose checks, depend on values that the host has to read.
#ifndef SCUTE_OPS_WAIT_H
#define SCUTE_OPS_WAIT_H

#include "host/core/op.h"

// Input 0 has values that can be waited for: it is not on the device of shapes alone, and no graph is recorded.
ScStatus sc_want_values(const ScCall *);

#endif
