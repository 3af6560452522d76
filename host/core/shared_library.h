// Libraries that few runs need, opened at their first use: linked in, they and what they bring along would take
// more time at every start than all the rest.
#ifndef SCUTE_SHARED_LIBRARY_H
#define SCUTE_SHARED_LIBRARY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "host/core/api.h"
#include "host/core/status.h"

SC_API_BEGIN

typedef struct {
   const char *name;
   void *pointer; // where that function's address goes: a pointer to a pointer of its type
} ScSymbol;

typedef struct {
   const char *const *files; // as the dynamic linker knows it: "libcurl.so.4"; other names, then NULL
   const ScSymbol *symbols;  // ends with one without a name
   const char *package;      // Debian's name of what carries it, to be told where it is not there
   atomic_bool open;
} ScSharedLibrary;

// Sets the pointers, once, whatever thread asks. SC_EUNSUPPORTED: the library, or a function in it, is not
// there; SC_EMEM. After a failure it may be tried again.
ScStatus sc_shared_library_open(ScSharedLibrary *);

SC_API_END

#endif
