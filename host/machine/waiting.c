#define _GNU_SOURCE // setenv
#include "host/machine/waiting.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The sanitizers' own start comes after what runs first here.
#define EARLY __attribute__((no_sanitize("address", "undefined")))

static char setting[] = "GOMP_SPINCOUNT=1000";

// A variable in whose place the setting stands until the libraries have started.
static char **place, *kept;

EARLY static bool begins(const char *text, const char *with) {
   while (*with && *text == *with) text++, with++;
   return !*with;
}

// Shells set these for themselves; no library looks at them when it starts.
EARLY static bool is_idle(const char *variable) {
   return begins(variable, "_=") || begins(variable, "OLDPWD=") || begins(variable, "SHLVL=");
}

// The environment can neither grow nor move as early as this.
EARLY static void lend(int argc, char **argv, char **environment) {
   char **idle = NULL;
   (void)argc, (void)argv;
   for (char **v = environment; *v; v++) {
      if (begins(*v, "GOMP_SPINCOUNT=") || begins(*v, "OMP_WAIT_POLICY=")) return;
      if (is_idle(*v)) idle = v;
   }
   if (!idle) return;
   kept = *idle;
   *idle = setting;
   place = idle;
}

// The dynamic linker calls this before the libraries' constructors, and the program's own after them.
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = lend;

__attribute__((constructor)) static void give_back(void) {
   if (place) *place = kept;
}

void sc_calm_waiting(char **argv) {
   static const char name[] = "GOMP_SPINCOUNT", marker[] = "SCUTE_RESTARTED";
   char pid[24];
   if (place) return;
   snprintf(pid, sizeof pid, "%ld", (long)getpid());
   const char *restarted = getenv(marker), *preload = getenv("LD_PRELOAD");
   if (!restarted || strcmp(restarted, pid) != 0) {
      if (getenv(name) || getenv("OMP_WAIT_POLICY")) return;
      if (preload && strstr(preload, "vgpreload")) return; // valgrind would lose sight of the new image
      if (setenv(name, "1000", 1) == 0 && setenv(marker, pid, 1) == 0) execv("/proc/self/exe", argv);
   }
   unsetenv(name);
   unsetenv(marker);
}
