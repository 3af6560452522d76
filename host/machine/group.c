#include "host/machine/group.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// The number behind `name` in a file of lines "name number", or the first number where that is "".
static long long read_number(const char *folder, const char *file, const char *name) {
   char path[PATH_MAX], line[256];
   if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path) return -1;
   FILE *f = fopen(path, "r");
   if (!f) return -1;
   long long value = -1;
   size_t length = strlen(name);
   while (value < 0 && fgets(line, sizeof line, f))
      if (strncmp(line, name, length) != 0 || sscanf(line + length, "%lld", &value) != 1) value = -1;
   fclose(f);
   return value;
}

static long long memory_left(const char *folder, const char *limit_file, const char *used_file,
                             const char *cache_name) {
   long long limit = read_number(folder, limit_file, ""), used = read_number(folder, used_file, ""),
             cache = read_number(folder, "memory.stat", cache_name);
   if (limit < 0 || used < 0) return -1; // "max" is no number
   if (cache > 0) used -= cache < used ? cache : used;
   return limit > used ? limit - used : 0;
}

static long long memory_of_first(const char *folder) {
   return memory_left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
}

static long long memory_of_second(const char *folder) {
   return memory_left(folder, "memory.max", "memory.current", "inactive_file");
}

static long long rounded_up(long long quota, long long period) {
   return quota > 0 && period > 0 ? (quota + period - 1) / period : -1;
}

static long long processors_of_first(const char *folder) {
   return rounded_up(read_number(folder, "cpu.cfs_quota_us", ""), read_number(folder, "cpu.cfs_period_us", ""));
}

// "200000 100000", or "max 100000"
static long long processors_of_second(const char *folder) {
   char path[PATH_MAX];
   long long quota = -1, period = -1;
   if (snprintf(path, sizeof path, "%s/cpu.max", folder) >= (int)sizeof path) return -1;
   FILE *f = fopen(path, "r");
   if (!f) return -1;
   if (fscanf(f, "%lld %lld", &quota, &period) != 2) quota = -1;
   fclose(f);
   return rounded_up(quota, period);
}

// What is limited, and what a group's folder of version 1 or 2 grants of it; -1: there is no limit.
typedef struct {
   const char *controller, *mounted; // of version 1
   long long (*of_first)(const char *folder), (*of_second)(const char *folder);
} Resource;

static const Resource memory = {"memory", "/sys/fs/cgroup/memory", memory_of_first, memory_of_second};
static const Resource processors = {"cpu", "/sys/fs/cgroup/cpu", processors_of_first, processors_of_second};
static const char mounted_second[] = "/sys/fs/cgroup";

static long long less(long long a, long long b) {
   return a < 0 || (b >= 0 && b < a) ? b : a;
}

// In a container the path may be the host's, of which only the upper end is there.
static long long least_up_to(const char *root, const char *mounted, const char *group,
                             long long (*of)(const char *folder)) {
   char folder[PATH_MAX];
   int top = snprintf(folder, sizeof folder, "%s%s", root, mounted);
   if (top >= (int)sizeof folder ||
       snprintf(folder + top, sizeof folder - (size_t)top, "%s", group) >= (int)sizeof folder - top)
      return -1;
   for (long long least = -1;;) {
      least = less(least, of(folder));
      char *slash = strrchr(folder + top, '/');
      if (!slash) return least;
      *slash = '\0';
   }
}

// "cpu,cpuacct" has "cpu".
static bool has(const char *controllers, const char *name) {
   size_t n = strlen(name);
   for (const char *at = controllers; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
      if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
   return false;
}

// Lines are "number:controllers:/group"; version 2 has no controllers there.
static long long least(const char *root, const Resource *r) {
   char path[PATH_MAX], line[PATH_MAX], controllers[256], group[PATH_MAX];
   long long found = less(least_up_to(root, r->mounted, "", r->of_first),
                          least_up_to(root, mounted_second, "", r->of_second));
   if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path) return found;
   FILE *f = fopen(path, "r");
   while (f && fgets(line, sizeof line, f)) {
      if (sscanf(line, "%*d::%4095[^\n]", group) == 1)
         found = less(found, least_up_to(root, mounted_second, group, r->of_second));
      else if (sscanf(line, "%*d:%255[^:]:%4095[^\n]", controllers, group) == 2 &&
               has(controllers, r->controller))
         found = less(found, least_up_to(root, r->mounted, group, r->of_first));
   }
   if (f) fclose(f);
   return found;
}

long long sc_group_memory_left(const char *root) {
   return least(root, &memory);
}

long long sc_group_processors(const char *root) {
   return least(root, &processors);
}
