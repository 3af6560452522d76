// Optimizers take a whole parameter group at once: several lists of tensors that correspond to each other.
#ifndef SCUTE_OPS_GROUP_H
#define SCUTE_OPS_GROUP_H

#include "host/core/api.h"
#include "host/core/op.h"

// A flag that leaves a step out, for overflows of half-width gradients that the host does not wait for.
#define SC_FOUND_INF_PARAM                                                                                     \
   {                                                                                                           \
      .name = "found_inf", .kind = SC_TENSOR, .optional = true,                                                \
      .doc = "one number of the parameters' dtype; where it is not 0 nothing is written"                       \
   }

SC_API_BEGIN

// The tensor at `index` of list `list`; NULL if that list is absent.
ScTensor *sc_group_at(const ScCall *, int list, int index);

// Lists 0..nlists-1 are equally long (absent optional ones aside), of one dtype, and their tensors of equal
// shape.
ScStatus sc_want_group(const ScCall *, int nlists);

// Tensor parameter `list` is absent, or one number of the first list's dtype.
ScStatus sc_want_number(const ScCall *, int list);
// Whether that number is there and is not 0. For kernels whose memory the CPU may read.
bool sc_group_is_skipped(const ScCall *, int found_inf);

SC_API_END

#endif
