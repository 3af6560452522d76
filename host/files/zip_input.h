// Zip archives out of files that are open already, with a bound on what libzip reads before it hands one out:
// it takes every list of entries that it finds, several where there are several, and compares names with each
// other.
#ifndef SCUTE_ZIP_INPUT_H
#define SCUTE_ZIP_INPUT_H

#include <stdbool.h>

#include "host/files/libzip.h"
#include "host/files/source.h"

typedef struct {
   const ScSource *source;
   int64_t at;
   int64_t budget; // bytes that may still be read; what reads on after opening sets it anew
   bool exceeded;
   zip_error_t error;
} ScZipInput;

// libzip has to be open (sc_libzip_open). Opens the archive, reading at most `budget` bytes; NULL and `error`
// on failure. `input` has to stay where it is until zip_discard.
zip_t *sc_zip_open(ScZipInput *input, const ScSource *, int64_t budget, zip_error_t *error);

#endif
