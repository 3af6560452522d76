// What processes that train one model add up: gradients, and averages of what each of them has moved.
#ifndef SCUTE_WORLD_SUMS_H
#define SCUTE_WORLD_SUMS_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

// The gradient of each parameter becomes the sum over all processes, in place. One that has none where another
// has, counts as zeros and gets the sum; where nobody has one there is none afterwards. All processes give the
// same parameters in the same order, in memory of the host's. Fails before anything is sent with
// SC_EUNSUPPORTED (on a device of its own) or SC_EMEM.
ScStatus sc_world_sum_gradients(int n, ScTensor *const *parameters);

// Each of these f32 and f64 tensors becomes the sum of weight * tensor over all processes, in place, computed
// in f64. The weights add up to 1.
ScStatus sc_world_average(int n, ScTensor *const *tensors, double weight);

SC_API_END

#endif
