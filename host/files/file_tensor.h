// Tensors as weight files store them.
#ifndef SCUTE_FILE_TENSOR_H
#define SCUTE_FILE_TENSOR_H

#include "host/core/tensor.h"

// How a file stores an element. int32 becomes i64 when read, bool becomes u8.
typedef struct {
   const char *name;
   ScDtype dtype;
   int size; // bytes in the file
} ScFileType;

// A tensor from data of a file: row-major, or, with `strides` (in elements; else NULL), in any order. On a
// device with host memory nothing but the tensor is allocated.
ScStatus sc_file_tensor(ScTensor **out, ScDevice *, const ScFileType *, int rank, const int64_t *shape,
                        const int64_t *strides, const void *data);

#endif
