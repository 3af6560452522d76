// What the kernels of clamp share.
#ifndef SCUTE_CLAMP_H
#define SCUTE_CLAMP_H

#include "host/core/op.h"

enum { SC_CLAMP_MIN, SC_CLAMP_MAX }; // attributes, numbers

SC_API_BEGIN

// A bound in whole numbers: the nearest one inside, within the range of i64.
int64_t sc_clamp_whole_min(double min);
int64_t sc_clamp_whole_max(double max);

SC_API_END

#endif
