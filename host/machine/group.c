#include "host/machine/group.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

// How a version of control groups names things.
typedef struct {
   const char *mounted, *limit, *used, *cache;
} Version;

static const Version first = {"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                              "total_inactive_file"};
static const Version second = {"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"};

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

static long long left_in(const char *folder, const Version *v) {
   long long limit = read_number(folder, v->limit, ""), used = read_number(folder, v->used, ""),
             cache = read_number(folder, "memory.stat", v->cache);
   if (limit < 0 || used < 0) return -1; // "max" is no number
   if (cache > 0) used -= cache < used ? cache : used;
   return limit > used ? limit - used : 0;
}

static long long less(long long a, long long b) {
   return a < 0 || (b >= 0 && b < a) ? b : a;
}

// In a container the path may be the host's, of which only the upper end is there.
static long long left_up_to(const char *root, const Version *v, const char *group) {
   char folder[PATH_MAX];
   int top = snprintf(folder, sizeof folder, "%s%s", root, v->mounted);
   if (top >= (int)sizeof folder ||
       snprintf(folder + top, sizeof folder - (size_t)top, "%s", group) >= (int)sizeof folder - top)
      return -1;
   for (long long left = -1;;) {
      left = less(left, left_in(folder, v));
      char *slash = strrchr(folder + top, '/');
      if (!slash) return left;
      *slash = '\0';
   }
}

// Lines are "number:controllers:/group"; version 2 has no controllers there.
long long sc_group_memory_left(const char *root) {
   char path[PATH_MAX], line[PATH_MAX], controllers[256], group[PATH_MAX];
   long long left = less(left_up_to(root, &first, ""), left_up_to(root, &second, ""));
   if (snprintf(path, sizeof path, "%s/proc/self/cgroup", root) >= (int)sizeof path) return left;
   FILE *f = fopen(path, "r");
   while (f && fgets(line, sizeof line, f)) {
      if (sscanf(line, "%*d::%4095[^\n]", group) == 1)
         left = less(left, left_up_to(root, &second, group));
      else if (sscanf(line, "%*d:%255[^:]:%4095[^\n]", controllers, group) == 2 &&
               strstr(controllers, "memory"))
         left = less(left, left_up_to(root, &first, group));
   }
   if (f) fclose(f);
   return left;
}
