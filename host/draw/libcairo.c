#include "host/draw/libcairo.h"

#include <stddef.h>

#include "host/core/shared_library.h"

#define SYMBOL(name) {"cairo_" #name, &libcairo.name},

struct ScLibcairo libcairo;

ScStatus sc_libcairo_open(void) {
   static const ScSymbol symbols[] = {SC_LIBCAIRO(SYMBOL){0}};
   static const char *const files[] = {"libcairo.so.2", NULL};
   static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libcairo2"};
   return sc_shared_library_open(&library);
}
