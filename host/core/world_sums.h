// What processes that train one model add up beside gradients (host/core/reducer.h): averages of what each of
// them has moved.
#ifndef SCUTE_WORLD_SUMS_H
#define SCUTE_WORLD_SUMS_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

// Each of these f32 and f64 tensors becomes the sum of weight * tensor over all processes, in place, computed
// in f64. The weights add up to 1. In memory of a device's own: all are on one device, f32, and it computes, in
// f32.
ScStatus sc_world_average(int n, ScTensor *const *tensors, double weight);

SC_API_END

#endif
