#ifndef SCUTE_OPS_TILE_H
#define SCUTE_OPS_TILE_H

#include "host/ops/remap.h"

SC_API_BEGIN

// Where the result of a call comes from, after infer.
ScRemap sc_tile_map(const ScCall *);

SC_API_END

#endif
