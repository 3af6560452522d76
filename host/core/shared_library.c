#include "host/core/shared_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static ScStatus fail(void) {
   ScStatus status = errno == ENOMEM ? SC_EMEM : SC_EUNSUPPORTED;
   const char *why = dlerror();
   return sc_fail(status, "%s", why ? why : "a library cannot be opened");
}

static ScStatus find(void *handle, const ScSymbol *symbol) {
   void *function = dlsym(handle, symbol->name);
   if (!function) return fail();
   memcpy(symbol->pointer, &function, sizeof function);
   return SC_OK;
}

static ScStatus open(ScSharedLibrary *library) {
   if (atomic_load(&library->open)) return SC_OK;
   errno = 0;
   void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
   if (!handle) return fail();
   ScStatus status = SC_OK;
   for (const ScSymbol *s = library->symbols; !status && s->name; s++) status = find(handle, s);
   if (status)
      dlclose(handle);
   else
      atomic_store(&library->open, true);
   return status;
}

ScStatus sc_shared_library_open(ScSharedLibrary *library) {
   static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
   if (atomic_load(&library->open)) return SC_OK;
   pthread_mutex_lock(&lock);
   ScStatus status = open(library);
   pthread_mutex_unlock(&lock);
   return status;
}
