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

static bool found(char path[PATH_MAX], const char *folder, const char *inside, const char *name) {
   int n = snprintf(path, PATH_MAX, "%s%s/scute_%s.so", folder, inside, name);
   return n < PATH_MAX && access(path, F_OK) == 0;
}

static bool find(char path[PATH_MAX], const char *name) {
   const char *named = getenv("SCUTE_PLUGINS");
   if (named && found(path, named, "", name)) return true;
   char folder[PATH_MAX];
   program_folder(folder);
   return found(path, folder, "", name) || found(path, folder, "/../lib/scute", name);
}

// dlopen says "libcudnn.so.9: cannot open shared object file: No such file or directory": the library is what
// counts.
static ScStatus fail_to_load(const ScPlugin *plugin, const char *path, const char *why) {
   const char *colon = strchr(why, ':');
   if (colon && strstr(why, "cannot open shared object file") && strncmp(why, "lib", 3) == 0)
      return sc_fail(SC_EUNSUPPORTED,
                     "%s needs %.*s, which is not installed or not in the library path (LD_LIBRARY_PATH); %s",
                     path, (int)(colon - why), why, plugin->instead);
   if (strstr(why, "sc_register_"))
      return sc_fail(SC_EUNSUPPORTED,
                     "%s is of another build than this scute: build both together (make), or %s", path,
                     plugin->instead);
   return sc_fail(SC_EUNSUPPORTED, "%s does not load: %s; %s", path, why, plugin->instead);
}

static ScStatus fail_to_find(const ScPlugin *plugin) {
   return sc_fail(SC_EUNSUPPORTED,
                  "this scute was built without its %s (there is no scute_%s.so beside the program): %s, or %s",
                  plugin->brings, plugin->name, plugin->advice, plugin->instead);
}

ScStatus sc_plugin_find(const ScPlugin *plugin) {
   char path[PATH_MAX];
   return find(path, plugin->name) ? SC_OK : fail_to_find(plugin);
}

ScStatus sc_plugin_open(const ScPlugin *plugin) {
   char path[PATH_MAX];
   if (!find(path, plugin->name)) return fail_to_find(plugin);
   if (dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return SC_OK;
   const char *why = dlerror();
   return fail_to_load(plugin, path, why ? why : "unknown reason");
}
