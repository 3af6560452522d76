#include "host/core/stamp.h"

#include <string.h>
#include <time.h>

ScStamp sc_stamp(const struct stat *info) {
   return (ScStamp){(int64_t)info->st_dev, (int64_t)info->st_ino, info->st_size,        info->st_mtim.tv_sec,
                    info->st_mtim.tv_nsec, info->st_ctim.tv_sec,  info->st_ctim.tv_nsec};
}

bool sc_stamp_same(const ScStamp *a, const ScStamp *b) {
   return memcmp(a, b, sizeof *a) == 0;
}

// Seconds that a tick may take: kernels count in hundredths at least, some file systems in whole seconds or
// two.
static double tick(const ScStamp *stamp) {
   return stamp->changed_ns == 0 ? 3 : 0.05;
}

bool sc_stamp_settled(const ScStamp *stamp) {
   struct timespec now;
   clock_gettime(CLOCK_REALTIME, &now);
   double age = (double)(now.tv_sec - stamp->changed) + 1e-9 * (double)(now.tv_nsec - stamp->changed_ns);
   return age > tick(stamp);
}
