#define _GNU_SOURCE // gethostname
#include "host/machine/hosts.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/digest.h"
#include "host/core/world.h"

enum { NAME = 96 };

static bool several;

const char *sc_host_name(void) {
   static char name[NAME];
   if (!name[0] && (gethostname(name, sizeof name - 1) != 0 || !name[0])) strcpy(name, "?");
   return name;
}

// The value of the first of those names in a file of lines as "model name : ...".
static bool find_name(const char *const *names, char *out, size_t size) {
   char line[256];
   FILE *file = fopen("/proc/cpuinfo", "r");
   bool found = false;
   while (file && !found && fgets(line, sizeof line, file)) {
      char *value = strchr(line, ':');
      if (!value) continue;
      for (const char *const *name = names; *name && !found; name++)
         found = strncmp(line, *name, strlen(*name)) == 0;
      value += 1 + strspn(value + 1, " \t");
      if (found) snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
   }
   if (file) fclose(file);
   return found;
}

// Those of x86, and of others.
const char *sc_host_processor(void) {
   static const char *const names[] = {"model name", "CPU part", "cpu\t", NULL};
   static char processor[NAME];
   if (!processor[0] && (!find_name(names, processor, sizeof processor) || !processor[0]))
      strcpy(processor, "?");
   return processor;
}

ScStatus sc_hosts_compare(void) {
   int size = sc_world()->size;
   if (size == 1) return SC_OK;
   int64_t *all = malloc((size_t)size * sizeof *all);
   if (!all) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_world_exchange((int64_t)sc_digest(0, sc_host_name(), strlen(sc_host_name())), all);
   for (int i = 1; i < size && status == SC_OK; i++) several = several || all[i] != all[0];
   free(all);
   return status;
}

bool sc_hosts_are_several(void) {
   return several;
}
