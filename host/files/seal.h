// Safetensors files that tell whether they are whole: the metadata entry "checksum" is the CRC-32 of all bytes
// of the file, with zeros where the eight digits of the checksum itself are. host/files/safetensors_write.c
// writes them.
#ifndef SCUTE_SEAL_H
#define SCUTE_SEAL_H

#include "host/files/source.h"

#define SC_SEAL_KEY "checksum"
#define SC_SEAL                                                                                                \
   "\"checksum\":\"" // in the header, before the digits; inside a JSON text its quotes would be escaped
#define SC_NO_SUM "00000000"

// Reads the file and compares. SC_EFORMAT where it is damaged or has no checksum, SC_EIO where it cannot be
// read.
ScStatus sc_seal_check(const ScSource *);
// The same of a file by name.
ScStatus sc_seal_verify(const char *path);

#endif
