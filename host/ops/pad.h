#ifndef SCUTE_OPS_PAD_H
#define SCUTE_OPS_PAD_H

#include "host/ops/remap.h"

enum { SC_PAD_PADS, SC_PAD_MODE, SC_PAD_VALUE }; // attributes

SC_API_BEGIN

// Where the result of a call comes from, after infer.
ScRemap sc_pad_map(const ScCall *);

SC_API_END

#endif
