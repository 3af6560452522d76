// The first directory of a TIFF file, or of what is laid out as one: EXIF, and the raw files of most cameras.
#ifndef SCUTE_TIFF_DIRECTORY_H
#define SCUTE_TIFF_DIRECTORY_H

#include "host/photo/image_format.h"

// Bytes, letters or whole numbers, which lie within the file.
typedef struct {
   ScBytes bytes;
   int width; // bytes of one number: 1, 2 or 4
   bool big_endian;
} ScTiffValue;

// Whether the directory has that tag, with a value of such a type.
bool sc_tiff_find(ScBytes tiff, unsigned tag, ScTiffValue *out);
uint32_t sc_tiff_number(const ScTiffValue *); // the first one

#endif
