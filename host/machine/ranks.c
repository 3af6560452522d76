#include "host/machine/ranks.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void sc_ranks_begin(ScRanks *ranks, int wanted) {
   ranks->wanted = wanted < SC_MOST_RANKS ? wanted : SC_MOST_RANKS;
   ranks->n = 0;
   ranks->gone = -1;
   ranks->signal = 0;
   ranks->since = ranks->found = 0;
}

static bool knows(const ScRanks *ranks, int id) {
   for (int i = 0; i < ranks->n; i++)
      if (ranks->ids[i] == id) return true;
   return false;
}

// They are started one after the other, and listed in that order.
static void find(ScRanks *ranks, pid_t launcher) {
   char path[64];
   int id;
   snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)launcher, (int)launcher);
   FILE *children = fopen(path, "r");
   while (children && ranks->n < ranks->wanted && fscanf(children, "%d", &id) == 1)
      if (!knows(ranks, id)) ranks->ids[ranks->n++] = id, ranks->found = now();
   if (children) fclose(children);
}

// The last field of /proc/ID/stat is how a process ended that its parent has not asked for yet.
static bool is_there(pid_t id, int *signal) {
   char path[64], line[1024];
   snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
   FILE *file = fopen(path, "r");
   if (!file) return false;
   char *state = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL, *last = strrchr(line, ' ');
   fclose(file);
   if (!state || (state[2] != 'Z' && state[2] != 'X')) return state != NULL;
   int status = 0;
   if (last && sscanf(last, "%d", &status) == 1) *signal = status & 0x7f;
   return false;
}

// All are started within a moment: one that is not seen by and by has ended before.
static bool lacks_one(const ScRanks *ranks) {
   static const long long MOMENT = 2000LL * 1000 * 1000;
   return ranks->n > 0 && ranks->n < ranks->wanted && now() - ranks->found > MOMENT;
}

double sc_ranks_look(ScRanks *ranks, pid_t launcher) {
   bool others = false;
   if (ranks->n < ranks->wanted) find(ranks, launcher);
   for (int i = 0; i < ranks->n; i++) {
      int signal = 0;
      if (is_there(ranks->ids[i], &signal)) {
         others = true;
      } else if (!ranks->since) {
         ranks->gone = i;
         ranks->signal = signal;
         ranks->since = now();
      }
   }
   if (!ranks->since && lacks_one(ranks)) ranks->since = now();
   return others && ranks->since ? 1e-9 * (double)(now() - ranks->since) : 0;
}
