// A model's state on its way between a file and tensors: names and tensors in file order, and text metadata.
#ifndef SCUTE_WEIGHTS_H
#define SCUTE_WEIGHTS_H

#include "host/core/tensor.h"

typedef struct {
   char *name;
   ScTensor *tensor;
} ScEntry;

typedef struct {
   char *key, *value;
} ScMetadata;

// All zero is an empty state.
typedef struct {
   int n, capacity;
   ScEntry *entries;
   int nmetadata, metadata_capacity;
   ScMetadata *metadata;
} ScState;

typedef enum { SC_SAFETENSORS, SC_PTH_ZIP, SC_PTH_LEGACY } ScFormat;

// Takes over `tensor`, also when it fails (SC_EMEM).
ScStatus sc_state_add(ScState *, const char *name, ScTensor *tensor);
ScStatus sc_state_annotate(ScState *, const char *key, const char *value);
// Releases what the state holds and leaves it empty.
void sc_state_free(ScState *);

// Reads a weight file whose format is told by its content, not its name. `out` must be empty and stays so on
// failure: SC_EIO (cannot be read), SC_EFORMAT (truncated, damaged, refused), SC_EMEM.
ScStatus sc_weights_load(const char *path, ScDevice *, ScState *out, ScFormat *format);
const char *sc_format_name(ScFormat); // "safetensors", "pth (zip)", "pth (legacy)"

// How a file stores an element. int32 becomes i64 when read, bool becomes u8.
typedef struct {
   const char *name;
   ScDtype dtype;
   int size; // bytes in the file
} ScFileType;

// A tensor from row-major file data, widening int32.
ScStatus sc_weights_tensor(ScTensor **out, ScDevice *, const ScFileType *, int rank, const int64_t *shape,
                           const void *data);

#endif
