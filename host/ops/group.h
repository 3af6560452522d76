// Optimizers take a whole parameter group at once: several lists of tensors that correspond to each other.
#ifndef SCUTE_OPS_GROUP_H
#define SCUTE_OPS_GROUP_H

#include "host/api.h"
#include "host/op.h"

SC_API_BEGIN

// The tensor at `index` of list `list`; NULL if that list is absent.
ScTensor *sc_group_at(const ScCall *, int list, int index);

// Lists 0..nlists-1 are equally long (absent optional ones aside), of one dtype, and their tensors of equal
// shape.
ScStatus sc_want_group(const ScCall *, int nlists);

SC_API_END

#endif
