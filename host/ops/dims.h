// Lists of dimensions as users give them.
#ifndef SCUTE_OPS_DIMS_H
#define SCUTE_OPS_DIMS_H

#include "host/core/api.h"
#include "host/core/op.h"

SC_API_BEGIN

// Attribute `attr`, called `name`, holds different dimensions of the first tensor: from 1, negative from the
// end. Afterwards all count from 1.
ScStatus sc_want_dims(ScCall *, int attr, const char *name);

SC_API_END

#endif
