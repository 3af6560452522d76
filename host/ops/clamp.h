// What the kernels of clamp share.
#ifndef SCUTE_CLAMP_H
#define SCUTE_CLAMP_H

#include <math.h>

#include "host/core/op.h"

enum { SC_CLAMP_MIN, SC_CLAMP_MAX }; // attributes, numbers

// Whether the gradient reaches the number v: as in PyTorch not at a bound, unless there is none.
#define SC_CLAMP_PASSES(v, min, max)                                                                           \
   ((((v) > (min)) | ((min) == -INFINITY)) & (((v) < (max)) | ((max) == INFINITY)))

SC_API_BEGIN

// A bound as a number of x's floating-point dtype, which is what x is compared with; of whole ones as it is.
double sc_clamp_bound(const ScCall *, int attr);
// A bound in whole numbers: the nearest one inside, within the range of i64.
int64_t sc_clamp_whole_min(double min);
int64_t sc_clamp_whole_max(double max);

SC_API_END

#endif
