#define _GNU_SOURCE // gethostname
#include "host/core/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ScPlace place = {.size = 1};

ScPlace sc_place(void) {
   return place;
}

// FNV-1a.
static uint64_t add_text(uint64_t hash, const char *text) {
   for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
   return hash;
}

// Its name, and what the kernel drew when it started: containers of one machine have other names, and other
// GPUs.
static int64_t name_computer(void) {
   char name[256] = "", boot[64] = "";
   gethostname(name, sizeof name - 1);
   FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
   if (file && !fgets(boot, sizeof boot, file)) *boot = 0;
   if (file) fclose(file);
   uint64_t hash = add_text(add_text(0xcbf29ce484222325u, name), boot);
   return (int64_t)(hash >> 1); // no sum of one and zeros is in the way
}

ScStatus sc_place_find(ScCommunicator *group) {
   int64_t *all = calloc((size_t)group->size, sizeof *all);
   if (!all) return sc_fail(SC_EMEM, "out of memory");
   place = (ScPlace){.computer = all[group->rank] = name_computer()};
   ScStatus status = group->all_reduce(group, SC_I64, group->size, all);
   for (int rank = 0; rank < group->size && status == SC_OK; rank++) {
      if (all[rank] != place.computer) continue;
      if (rank < group->rank) place.rank++;
      place.size++;
   }
   if (status != SC_OK) place = (ScPlace){.size = 1};
   free(all);
   return status;
}
