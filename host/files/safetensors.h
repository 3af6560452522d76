// Reader and writer of safetensors files: a u64 header length, a JSON header, raw little-endian data.
#ifndef SCUTE_SAFETENSORS_H
#define SCUTE_SAFETENSORS_H

#include "host/files/state.h"

// Entries in the order of the header. Every offset, size and dtype is checked before anything is allocated for
// it. F32, F64, F16, BF16, I64, U8 as they are, I32 as i64, BOOL as u8. `out` must be empty and stays so on
// failure.
ScStatus sc_safetensors_read(const char *path, ScDevice *, ScState *out);

// Writes atomically: header in the order of the state, data in logical row-major order, entries with larger
// elements first, so that each lies aligned in a mapped file.
ScStatus sc_safetensors_write(const char *path, const ScState *);
// The same with a seal (host/files/seal.h), which comes first in the metadata.
ScStatus sc_safetensors_write_sealed(const char *path, const ScState *);

#endif
