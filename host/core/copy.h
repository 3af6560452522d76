// Tensors written over with the values of others.
#ifndef SCUTE_COPY_H
#define SCUTE_COPY_H

#include "host/core/tensor.h"

SC_API_BEGIN

// In place, same shape; converts the dtype and moves between devices.
ScStatus sc_tensor_copy(ScTensor *to, const ScTensor *from);

SC_API_END

#endif
