// Writer of safetensors files.
#ifndef SCUTE_SAFETENSORS_WRITE_H
#define SCUTE_SAFETENSORS_WRITE_H

#include "host/files/state.h"

// Writes atomically: header in the order of the state, data in logical row-major order, entries with larger
// elements first, so that each lies aligned in a mapped file. What is on disk is read back, and gets the name
// only where it is what the state says (host/files/read_back.h). SC_EARG where a name or the metadata is no
// UTF-8 or more than is ever read; SC_EIO, SC_EMEM, SC_EDEVICE; SC_EFORMAT where it does not read back.
ScStatus sc_safetensors_write(const char *path, const ScState *);
// The same with a seal (host/files/seal.h), which comes first in the metadata.
ScStatus sc_safetensors_write_sealed(const char *path, const ScState *);

#endif
