#include "host/ops/axis.h"

ScAxis sc_axis(const ScTensor *t, int64_t dim) {
   int64_t numel = sc_numel(t), strides[SC_MAXRANK];
   if (dim < 0) return (ScAxis){1, numel, 1};
   sc_strides(t, strides);
   return (ScAxis){numel / (t->shape[dim] * strides[dim]), t->shape[dim], strides[dim]};
}
