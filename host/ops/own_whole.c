#include "host/ops/own_whole.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static ScStatus find(void *library, const char *name, ScOwnFunction *function) {
   void *symbol = dlsym(library, name);
   if (!symbol) return sc_fail(SC_EIO, "%s", dlerror());
   memcpy(function, &symbol, sizeof symbol);
   return SC_OK;
}

ScStatus sc_own_functions_open(const char *path, bool backward, bool check, const ScOwnFunctions **out) {
   void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
   if (!library) return sc_fail(SC_EIO, "%s", dlerror());
   ScOwnFunctions *functions = calloc(1, sizeof *functions);
   ScStatus status = functions ? SC_OK : sc_fail(SC_EMEM, "out of memory");
   if (status == SC_OK) status = find(library, "scute_forward", &functions->forward);
   if (status == SC_OK && backward) status = find(library, "scute_backward", &functions->backward);
   if (status == SC_OK) {
      functions->check = check;
      *out = functions;
      return SC_OK;
   }
   free(functions);
   dlclose(library);
   return status;
}
