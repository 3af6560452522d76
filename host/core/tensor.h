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
#include "host/core/status.h"

SC_API_BEGIN

enum { SC_MAXRANK = 8 };

typedef enum { SC_F32, SC_F64, SC_F16, SC_BF16, SC_I64, SC_U8, SC_NDTYPE } ScDtype;

typedef struct ScDevice ScDevice;
typedef struct ScNode ScNode;

typedef struct {
   int refs;       // counted with atomic operations (host/core/alloc.c)
   bool packed;    // some backend cache holds something derived from this content
   uint64_t stamp; // unique to this content: new at creation and after every write in place
   size_t bytes;
   ScDevice *device;
   void *data; // 64-byte aligned; host memory only if the device says so
} ScBuffer;

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
} ScTensor;

const char *sc_dtype_name(ScDtype); // "f32", "f64", "f16", "bf16", "i64", "u8"
bool sc_dtype_parse(const char *name,
                    ScDtype *out); // also float32, float, double, half, int64, long, uint8, ...
size_t sc_dtype_size(ScDtype);
bool sc_dtype_is_float(ScDtype);
bool sc_dtype_is_half(ScDtype); // f16, bf16
ScDtype sc_wide_dtype(ScDtype); // f32 for the half ones, else the dtype itself

// A tensor with uninitialised content. Fails with SC_EARG on a shape with a zero or negative entry, SC_EMEM.
ScStatus sc_tensor_new(ScTensor **out, ScDevice *, ScDtype, int rank, const int64_t *shape);
// Only dtype and shape, no buffer.
ScStatus sc_tensor_shape_only(ScTensor **out, ScDevice *, ScDtype, int rank, const int64_t *shape);
// Another tensor over the same buffer, outside the tape. The caller answers for it that the memory orders
// agree.
ScStatus sc_tensor_alias(ScTensor **out, const ScTensor *, int rank, const int64_t *shape);
ScTensor *sc_tensor_retain(ScTensor *);
void sc_tensor_release(ScTensor *); // NULL is fine

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
ScStatus sc_tensor_copy(ScTensor *to, const ScTensor *from); // in place, same shape, converts dtype and device
// Ends the message of a failed device (SC_EDEVICE) or of memory that ran out (SC_EMEM): "...; in reading f32
// (2, 3) on cuda:0". Returns the status.
ScStatus sc_name_tensor(ScStatus, const char *what, const ScTensor *, const ScDevice *where);

// Element conversions through double, truncating towards zero into integers and saturating there; a NaN becomes
// 0.
double sc_load(ScDtype, const void *data, int64_t index);
void sc_store(ScDtype, void *data, int64_t index, double value);
void sc_convert(ScDtype to_dtype, void *to, ScDtype from_dtype, const void *from, int64_t n);

// Half-width conversions, round to nearest even.
uint16_t sc_f32_to_f16(float);
float sc_f16_to_f32(uint16_t);
uint16_t sc_f32_to_bf16(float);
float sc_bf16_to_f32(uint16_t);

SC_API_END

#endif
