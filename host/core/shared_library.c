#include "host/core/shared_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static ScStatus fail(const ScSharedLibrary *library) {
   const char *why = dlerror();
   if (!why) why = "a library cannot be opened";
   if (errno == ENOMEM) return sc_fail(SC_EMEM, "%s", why);
   return sc_fail(SC_EUNSUPPORTED, "%s; install %s (Debian's name of the package)", why, library->package);
}

static ScStatus find(const ScSharedLibrary *library, void *handle, const ScSymbol *symbol) {
   void *function = dlsym(handle, symbol->name);
   if (!function) return fail(library);
   memcpy(symbol->pointer, &function, sizeof function);
   return SC_OK;
}

// Where none of the files is there, the first is what is missing.
static ScStatus load(const ScSharedLibrary *library, void **handle) {
   ScStatus status = SC_OK;
   for (const char *const *file = library->files; *file; file++) {
      errno = 0;
      *handle = dlopen(*file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
      if (*handle) return SC_OK;
      if (!status) status = fail(library);
   }
   return status;
}

static ScStatus open(ScSharedLibrary *library) {
   if (atomic_load(&library->open)) return SC_OK;
   void *handle;
   SC_TRY(load(library, &handle));
   ScStatus status = SC_OK;
   for (const ScSymbol *s = library->symbols; !status && s->name; s++) status = find(library, handle, s);
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
