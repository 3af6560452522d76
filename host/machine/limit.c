#include "host/machine/limit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// What the limit counts, in bytes; 0 where the system does not tell.
static long long data_in_use(void) {
   char line[256];
   long long kilobytes = 0;
   FILE *file = fopen("/proc/self/status", "r");
   while (file && fgets(line, sizeof line, file))
      if (sscanf(line, "VmData: %lld kB", &kilobytes) == 1) break;
   if (file) fclose(file);
   return kilobytes * 1024;
}

ScStatus sc_limit_memory(long long bytes, long long *before) {
   struct rlimit limit;
   if (getrlimit(RLIMIT_DATA, &limit) != 0)
      return sc_fail(SC_EIO, "cannot tell the limit of memory: %s", strerror(errno));
   if (before) *before = limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur;
   long long used = data_in_use();
   if (bytes >= 0 && bytes <= used)
      return sc_fail(SC_EARG, "memory: this process has %.1f MB already, and cannot be held to %.1f MB",
                     (double)used / 1e6, (double)bytes / 1e6);
   limit.rlim_cur = bytes < 0 || (rlim_t)bytes > limit.rlim_max ? limit.rlim_max : (rlim_t)bytes;
   if (setrlimit(RLIMIT_DATA, &limit) != 0)
      return sc_fail(SC_EIO, "cannot limit memory to %.1f MB: %s", (double)bytes / 1e6, strerror(errno));
   return SC_OK;
}

void sc_killed_first(void) {
   static const char first[] = "1000";
   int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
   if (file < 0) return;
   ssize_t written = write(file, first, sizeof first - 1);
   (void)written;
   close(file);
}
