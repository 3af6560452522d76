// Whether a safetensors file that was just written is what it should be.
#ifndef SCUTE_READ_BACK_H
#define SCUTE_READ_BACK_H

#include <stdbool.h>

#include "host/files/source.h"
#include "host/files/state.h"

// What the file should hold: the state's entries, entry i from byte begins[i] of the data on; its metadata,
// after a checksum where the file is sealed (host/files/seal.h), which the state's own then does not replace;
// and the CRC-32 of all bytes, with zeros in the place of a seal's digits.
typedef struct {
   const ScState *state;
   const int64_t *begins;
   bool sealed;
   uint32_t sum;
} ScWritten;

// SC_EFORMAT, naming what differs; SC_EIO, SC_EMEM.
ScStatus sc_read_back(const ScSource *, const ScWritten *);

#endif
