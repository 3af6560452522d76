#define _GNU_SOURCE // gethostname
#include "host/core/place.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/digest.h"

static ScPlace place = {.size = 1};

ScPlace sc_place(void) {
   return place;
}

static int64_t digest(uint64_t before, const char *text) {
   return (int64_t)(sc_digest(before, text, strlen(text)) >> 1); // no sum of one and zeros is in the way
}

// Its name, and what the kernel drew when it started: containers of one machine have other names, and other
// GPUs.
static int64_t name_computer(void) {
   char name[256] = "", boot[64] = "";
   gethostname(name, sizeof name - 1);
   FILE *file = fopen("/proc/sys/kernel/random/boot_id", "r");
   if (file && !fgets(boot, sizeof boot, file)) *boot = 0;
   if (file) fclose(file);
   return digest(sc_digest(0, name, strlen(name)), boot);
}

// NVIDIA's devices that this process may open. Where a batch system leaves each process one of them, all call
// it 0.
static uint64_t may_open(void) {
   char path[32];
   uint64_t mask = 0;
   for (int i = 0; i < 64; i++) {
      snprintf(path, sizeof path, "/dev/nvidia%d", i);
      if (access(path, R_OK | W_OK) == 0) mask |= (uint64_t)1 << i;
   }
   return mask;
}

// The one GPU that this process was given; 0: none, or several, or all.
static int64_t name_gpu(void) {
   const char *given = getenv("CUDA_VISIBLE_DEVICES");
   uint64_t open = may_open();
   if (!given || !*given || strchr(given, ',')) return 0;
   return digest(sc_digest(0, &open, sizeof open), given) | 1;
}

typedef struct {
   int64_t computer, gpu;
} Named;

static bool share_a_gpu(const Named *one, const Named *other) {
   return one->computer == other->computer && (one->gpu == 0 || one->gpu == other->gpu);
}

static ScPlace find_among(const Named *all, int size, int mine) {
   ScPlace found = {.computer = all[mine].computer, .own_gpu = all[mine].gpu};
   for (int rank = 0; rank < size; rank++) {
      if (all[rank].computer != found.computer) continue;
      if (rank < mine) found.rank++;
      found.size++;
      for (int other = 0; other < size; other++)
         if (other != rank && share_a_gpu(&all[rank], &all[other])) found.own_gpu = 0;
   }
   return found;
}

ScStatus sc_place_find(ScCommunicator *group) {
   Named *all = calloc((size_t)group->size, sizeof *all);
   if (!all) return sc_fail(SC_EMEM, "out of memory");
   all[group->rank] = (Named){name_computer(), name_gpu()};
   ScStatus status = group->all_reduce(group, SC_I64, 2 * (int64_t)group->size, all);
   place = status == SC_OK ? find_among(all, group->size, group->rank) : (ScPlace){.size = 1};
   free(all);
   return status;
}
