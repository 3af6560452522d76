#ifndef SCUTE_OPS_EXPAND_H
#define SCUTE_OPS_EXPAND_H

#include "host/ops/remap.h"

SC_API_BEGIN

// Where the result of a call comes from, after infer.
ScRemap sc_expand_map(const ScCall *);

SC_API_END

#endif
