// Tensors: a dtype, a shape and a reference-counted buffer on a device.
//
// Users see logical shapes (N, C, H, W). In memory every rank-4 tensor, convolution weights too, is
// channels-last (N, H, W, C); every other rank is row-major. There are no strides and no visible aliasing:
// tensors may share a buffer (sc_tensor_alias), and whoever writes in place first makes the buffer its own
// (sc_tensor_own).
#ifndef SCUTE_TENSOR_H
#define SCUTE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/api.h"
#include "host/core/buffer.h"

SC_API_BEGIN

enum { SC_MAXRANK = 8 };

typedef struct ScNode ScNode; // host/core/node.h

// What goes with a tensor.
typedef struct ScCompanion {
   void (*release)(struct ScCompanion *);
} ScCompanion;

typedef struct ScTensor {
   int refs;
   ScDtype dtype;
   int rank;
   int64_t shape[SC_MAXRANK]; // logical, every entry >= 1
   ScDevice *device;
   ScBuffer *buffer; // NULL in a shape-only tensor (what the tape keeps where backward needs no values)
   bool requires_grad;
   ScNode *node;          // the op that made it, NULL for a leaf
   int output;            // which of that op's outputs
   struct ScTensor *grad; // of a leaf, after backward
   ScCompanion *half;     // of a parameter: its copy in half width, see host/core/halves.h
} ScTensor;

// A tensor with uninitialised content. Fails with SC_EARG on a shape with a zero or negative entry, SC_EMEM.
ScStatus sc_tensor_new(ScTensor **out, ScDevice *, ScDtype, int rank, const int64_t *shape);
// Over memory that stays the lender's (host/core/buffer.h), in the order of the tensor's memory.
ScStatus sc_tensor_lend(ScTensor **out, ScDevice *, ScDtype, int rank, const int64_t *shape, const void *data,
                        ScLender *);
// Only dtype and shape, no buffer.
ScStatus sc_tensor_shape_only(ScTensor **out, ScDevice *, ScDtype, int rank, const int64_t *shape);
// Another tensor over the same buffer, outside the tape. The caller answers for it that the memory orders
// agree.
ScStatus sc_tensor_alias(ScTensor **out, const ScTensor *, int rank, const int64_t *shape);
ScTensor *sc_tensor_retain(ScTensor *);
void sc_tensor_release(ScTensor *);                    // NULL is fine
void sc_tensor_release_all(int n, ScTensor **tensors); // and leaves NULL in their places

// Before writing in place: makes the buffer this tensor's alone. With `keep` its content is preserved.
ScStatus sc_tensor_own(ScTensor *, bool keep);
// After writing in place: a new stamp; what backends packed from the old content is dropped.
void sc_tensor_touch(ScTensor *);

int64_t sc_numel(const ScTensor *);
size_t sc_nbytes(const ScTensor *);
bool sc_same_shape(const ScTensor *, const ScTensor *);
// Element strides in logical order that lead through the memory order: rank 4 gives (H*W*C, 1, W*C, C).
void sc_strides(const ScTensor *, int64_t strides[SC_MAXRANK]);
// "(2, 3, 224, 224)" into a ring of thread-local buffers, for messages.
const char *sc_shape_text(const ScTensor *);
const char *sc_dims_text(int rank, const int64_t *shape);
// Ends the message of a failed device (SC_EDEVICE) or of memory that ran out (SC_EMEM): "...; in reading f32
// (2, 3) on cuda:0". Returns the status.
ScStatus sc_name_tensor(ScStatus, const char *what, const ScTensor *, const ScDevice *where);

SC_API_END

#endif
