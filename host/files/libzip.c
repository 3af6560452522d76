#include "host/files/libzip.h"

#include <stddef.h>

#include "host/core/shared_library.h"

#define SYMBOL(name) {"zip_" #name, &libzip.name},

struct ScLibzip libzip;

ScStatus sc_libzip_open(void) {
   static const ScSymbol symbols[] = {SC_LIBZIP(SYMBOL){0}};
   static const char *const files[] = {"libzip.so.4", NULL};
   static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libzip4"};
   return sc_shared_library_open(&library);
}
