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

// A tensor from row-major file data, widening int32.
ScStatus sc_file_tensor(ScTensor **out, ScDevice *, const ScFileType *, int rank, const int64_t *shape,
                        const void *data);

#endif
