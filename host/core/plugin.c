#include "host/core/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The folder of the running program, without a slash at the end; "" where the system does not tell.
static void program_folder(char folder[PATH_MAX]) {
   ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
   folder[length > 0 ? length : 0] = 0;
   char *slash = strrchr(folder, '/');
   if (slash) *slash = 0;
}

static bool found(char path[PATH_MAX], const char *folder, const char *inside, const char *backend) {
   int n = snprintf(path, PATH_MAX, "%s%s/scute_%s.so", folder, inside, backend);
   return n < PATH_MAX && access(path, F_OK) == 0;
}

static bool find(char path[PATH_MAX], const char *backend) {
   const char *named = getenv("SCUTE_PLUGINS");
   if (named && found(path, named, "", backend)) return true;
   char folder[PATH_MAX];
   program_folder(folder);
   return found(path, folder, "", backend) || found(path, folder, "/../lib/scute", backend);
}

// dlopen says "libcudnn.so.9: cannot open shared object file: No such file or directory": the library is what
// counts.
static ScStatus fail_to_load(const char *path, const char *why) {
   const char *colon = strchr(why, ':');
   if (colon && strstr(why, "cannot open shared object file") && strncmp(why, "lib", 3) == 0)
      return sc_fail(SC_EUNSUPPORTED,
                     "%s needs %.*s, which is not installed or not in the library path "
                     "(LD_LIBRARY_PATH); use --device cpu",
                     path, (int)(colon - why), why);
   if (strstr(why, "sc_register_backend"))
      return sc_fail(SC_EUNSUPPORTED,
                     "%s is of another build than this scute: build both together (make), or use --device cpu",
                     path);
   return sc_fail(SC_EUNSUPPORTED, "%s does not load: %s; use --device cpu", path, why);
}

ScStatus sc_plugin_open(const char *backend) {
   char path[PATH_MAX];
   if (!find(path, backend))
      return sc_fail(SC_EUNSUPPORTED,
                     "this scute was built without its %s backend (there is no scute_%s.so beside the "
                     "program): build it where the CUDA toolkit is installed, or use --device cpu",
                     backend, backend);
   if (dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return SC_OK;
   const char *why = dlerror();
   return fail_to_load(path, why ? why : "unknown reason");
}
