#define _GNU_SOURCE // sched_getaffinity, setenv
#include "host/machine/machine.h"

#include <errno.h>
#include <limits.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/threads.h"
#include "host/machine/group.h"

// The first number in a file, -1 where there is none.
static long long read_number(const char *path) {
   long long value = -1;
   FILE *f = fopen(path, "r");
   if (!f) return -1;
   if (fscanf(f, "%lld", &value) != 1) value = -1;
   fclose(f);
   return value;
}

// The lowest hardware thread that shares a core with `cpu`; `cpu` itself where the kernel does not say.
static int first_sibling(int cpu) {
   char path[96];
   snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
   long long first = read_number(path);
   return first >= 0 && first < CPU_SETSIZE ? (int)first : cpu;
}

static int physical_cores(void) {
   cpu_set_t allowed, seen;
   if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return omp_get_num_procs();
   CPU_ZERO(&seen);
   for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(first_sibling(cpu), &seen);
   return CPU_COUNT(&seen);
}

// Processors' worth of time that the control groups grant; INT_MAX without a quota.
static int quota_cores(void) {
   long long cores = sc_group_processors("");
   return cores > 0 && cores < INT_MAX ? (int)cores : INT_MAX;
}

int sc_usable_cores(void) {
   int cores = physical_cores(), quota = quota_cores();
   if (quota < cores) cores = quota;
   return cores < 1 ? 1 : cores;
}

int sc_usable_processors(void) {
   cpu_set_t allowed;
   int n = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : omp_get_num_procs();
   int quota = quota_cores();
   if (quota < n) n = quota;
   return n < 1 ? 1 : n;
}

// The number behind a name in a file of such lines ("MemAvailable: 123 kB"), -1 where there is none.
static long long read_named(const char *path, const char *name) {
   FILE *f = fopen(path, "r");
   if (!f) return -1;
   char line[128];
   long long value = -1;
   size_t length = strlen(name);
   while (value < 0 && fgets(line, sizeof line, f))
      if (strncmp(line, name, length) == 0 && line[length] == ' ') value = atoll(line + length);
   fclose(f);
   return value;
}

static long long meminfo(const char *name) {
   long long kilobytes = read_named("/proc/meminfo", name);
   return kilobytes < 0 ? -1 : kilobytes * 1024;
}

static long long least(long long a, long long b) {
   return a < b ? a : b;
}

// What is free of the swap, of which a control group (version 2) may grant less.
static long long available_swap(void) {
   long long free = meminfo("SwapFree:"), limit = read_number("/sys/fs/cgroup/memory.swap.max"),
             used = read_number("/sys/fs/cgroup/memory.swap.current");
   if (free < 0) return 0;
   return limit < 0 || used < 0 ? free : least(free, limit > used ? limit - used : 0);
}

size_t sc_available_memory(void) {
   long long machine = meminfo("MemAvailable:"), group = sc_group_memory_left("");
   if (machine < 0 || (group >= 0 && group < machine)) machine = group;
   return machine < 0 ? 0 : (size_t)machine;
}

size_t sc_memory_left(void) {
   size_t memory = sc_available_memory();
   return memory > 0 ? memory + (size_t)available_swap() : 0;
}

ScStatus sc_set_default_threads(void) {
   const char *text = getenv("SCUTE_THREADS");
   if (!text || !*text)
      return sc_threads_set(getenv("OMP_NUM_THREADS") ? omp_get_max_threads() : sc_usable_cores());
   char *end;
   errno = 0;
   long n = strtol(text, &end, 10);
   if (errno || *end || end == text || n < 1 || n > 1024)
      return sc_fail(SC_EARG, "SCUTE_THREADS: expected a number from 1 to 1024, found '%.40s'", text);
   return sc_threads_set((int)n);
}
