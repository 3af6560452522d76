// Values in and out of tensors: logical order on the host's side, memory order on the device's.
#ifndef SCUTE_TRANSFER_H
#define SCUTE_TRANSFER_H

#include "host/core/tensor.h"

SC_API_BEGIN

// Copies between a tensor (any device) and host memory in logical row-major order, in the tensor's own dtype.
ScStatus sc_tensor_read(const ScTensor *, void *logical);
ScStatus sc_tensor_write(ScTensor *, const void *logical);
// The same with conversion from double.
ScStatus sc_tensor_write_f64(ScTensor *, const double *logical);
// One value, by logical flat index, in the tensor's own dtype: 8 bytes are enough.
ScStatus sc_tensor_item(const ScTensor *, int64_t index, void *element);

ScStatus sc_tensor_fill(ScTensor *, double value); // in place
// The same with a value in the tensor's own dtype, since a double does not hold every i64.
ScStatus sc_tensor_fill_element(ScTensor *, const void *element);

// What the CPU sees of a tensor's content, in memory order: the buffer itself, or a copy in *downloaded, which
// the caller frees (NULL where there is none).
ScStatus sc_tensor_content(const ScTensor *, const void **out, void **downloaded);

SC_API_END

#endif
