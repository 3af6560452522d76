#include "host/machine/ranks.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

void sc_ranks_begin(ScRanks *ranks, int wanted) {
   ranks->wanted = wanted < SC_MOST_RANKS ? wanted : SC_MOST_RANKS;
   ranks->n = 0;
   ranks->blind = access("/proc/thread-self/children", F_OK) != 0;
   ranks->gone = -1;
   ranks->signal = 0;
   ranks->since = ranks->found = 0;
}

static bool knows(const ScRanks *ranks, int id) {
   for (int i = 0; i < ranks->n; i++)
      if (ranks->ids[i] == id) return true;
   return false;
}

static void add(ScRanks *ranks, pid_t id) {
   ranks->ids[ranks->n] = id;
   ranks->numbers[ranks->n] = -1;
   ranks->done[ranks->n++] = false;
   ranks->found = now();
}

static void find_of(ScRanks *ranks, pid_t launcher, int thread) {
   char path[64];
   int id;
   snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)launcher, thread);
   FILE *children = fopen(path, "r");
   while (children && ranks->n < ranks->wanted && fscanf(children, "%d", &id) == 1)
      if (!knows(ranks, id)) add(ranks, id);
   if (children) fclose(children);
}

// Of many processes (odls_base_cutoff) each is started by one of several threads.
static void find(ScRanks *ranks, pid_t launcher) {
   char path[64];
   snprintf(path, sizeof path, "/proc/%d/task", (int)launcher);
   DIR *threads = opendir(path);
   for (struct dirent *entry; threads && (entry = readdir(threads));)
      if (*entry->d_name != '.') find_of(ranks, launcher, atoi(entry->d_name));
   if (threads) closedir(threads);
}

// -1 where a process has not become the program yet.
static int read_number(pid_t id) {
   static const char name[] = "OMPI_COMM_WORLD_RANK=";
   char path[64], *entry = NULL;
   size_t room = 0;
   int number = -1;
   snprintf(path, sizeof path, "/proc/%d/environ", (int)id);
   FILE *file = fopen(path, "r");
   while (file && number < 0 && getdelim(&entry, &room, 0, file) > 0)
      if (strncmp(entry, name, sizeof name - 1) == 0) number = (int)strtol(entry + sizeof name - 1, NULL, 10);
   free(entry);
   if (file) fclose(file);
   return number;
}

// Of the program alone: what is about to become it has mpirun's handlers.
static bool handles(pid_t id, int signal) {
   char path[64], line[256];
   unsigned long long caught = 0;
   snprintf(path, sizeof path, "/proc/%d/status", (int)id);
   FILE *file = fopen(path, "r");
   while (file && !caught && fgets(line, sizeof line, file)) sscanf(line, "SigCgt: %llx", &caught);
   if (file) fclose(file);
   return caught >> (signal - 1) & 1;
}

bool sc_ranks_handle(const ScRanks *ranks, int signal) {
   bool all = ranks->n == ranks->wanted || ranks->blind;
   for (int i = 0; i < ranks->n && all; i++)
      all = ranks->done[i] || (ranks->numbers[i] >= 0 && handles(ranks->ids[i], signal));
   return all;
}

typedef enum { THERE, GONE, DONE } State;

// The last field of /proc/ID/stat is how a process ended that its parent has not asked for yet.
static State look_at(pid_t id, int *signal) {
   char path[64], line[1024];
   snprintf(path, sizeof path, "/proc/%d/stat", (int)id);
   FILE *file = fopen(path, "r");
   if (!file) return GONE;
   const char *state = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
   const char *last = state ? strrchr(state, ' ') : NULL;
   fclose(file);
   if (!last) return GONE;
   if (state[2] != 'Z' && state[2] != 'X') return THERE;
   int status;
   if (sscanf(last, "%d", &status) != 1) return GONE;
   *signal = status & 0x7f;
   return status == 0 ? DONE : GONE;
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
      State state = ranks->done[i] ? DONE : look_at(ranks->ids[i], &signal);
      ranks->done[i] = state == DONE;
      if (state == THERE) {
         others = true;
         if (ranks->numbers[i] < 0) ranks->numbers[i] = read_number(ranks->ids[i]);
      } else if (state == GONE && !ranks->since) {
         ranks->gone =
             ranks->numbers[i] < 0 ? i : ranks->numbers[i]; // they are listed in the order of their start
         ranks->signal = signal;
         ranks->since = now();
      }
   }
   if (!ranks->since && lacks_one(ranks)) ranks->since = now();
   return others && ranks->since ? 1e-9 * (double)(now() - ranks->since) : 0;
}
