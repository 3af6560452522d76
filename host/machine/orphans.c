#define _GNU_SOURCE // gettid
#include "host/machine/orphans.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

void sc_orphans_come_here(void) {
   prctl(PR_SET_CHILD_SUBREAPER, 1);
}

// Also what has not become the program yet.
static bool runs(int id, const char *program) {
   char link[32], path[PATH_MAX];
   snprintf(link, sizeof link, "/proc/%d/exe", id);
   ssize_t n = readlink(link, path, sizeof path - 1);
   if (n < 0) return false;
   path[n] = 0;
   return strcmp(path, program) == 0 || strstr(path, "/mpirun") || strstr(path, "/orterun");
}

void sc_orphans_kill(const char *program) {
   char path[64];
   int id;
   snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)gettid());
   FILE *children = fopen(path, "r");
   while (children && fscanf(children, "%d", &id) == 1)
      if (runs(id, program) && kill(id, SIGKILL) == 0) waitpid(id, NULL, 0);
   if (children) fclose(children);
   while (waitpid(-1, NULL, WNOHANG) > 0) {
   }
}
