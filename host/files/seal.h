// Safetensors files that tell whether they are whole: the metadata entry "checksum" is the CRC-32 of all bytes
// of the file, with zeros where the eight digits of the checksum itself are.
#ifndef SCUTE_SEAL_H
#define SCUTE_SEAL_H

#include "host/files/weights.h"

#define SC_SEAL                                                                                                \
   "\"checksum\":\"" // in the header, before the digits; inside a JSON text its quotes would be escaped
#define SC_NO_SUM "00000000"

// As sc_safetensors_write, with the checksum, which comes first in the metadata.
ScStatus sc_seal_write(const char *path, const ScState *);
// Reads the file and compares. SC_EFORMAT where it is damaged or has no checksum, SC_EIO where it cannot be
// read.
ScStatus sc_seal_verify(const char *path);

#endif
