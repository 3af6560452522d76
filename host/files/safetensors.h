// Reader of safetensors files: a u64 header length, a JSON header, raw little-endian data. Their writer is
// host/files/safetensors_write.h.
#ifndef SCUTE_SAFETENSORS_H
#define SCUTE_SAFETENSORS_H

#include "host/files/source.h"
#include "host/files/state.h"

// Entries in the order of the header. Every offset, size and dtype is checked before anything is allocated for
// it. F32, F64, F16, BF16, I64, U8 as they are, I32 as i64, BOOL as u8. `out` must be empty and stays so on
// failure.
ScStatus sc_safetensors_read(const ScSource *, ScDevice *, ScState *out);

#endif
