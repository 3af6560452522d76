#include "kernels/cpu/sum.h"

#include "kernels/cpu/clones.h"

enum { LANES = 16 };

SC_CLONES double sc_sum(const float *x, int64_t n) {
   double lanes[LANES] = {0}, total = 0;
   int64_t i = 0;
   for (; i + LANES <= n; i += LANES)
      for (int j = 0; j < LANES; j++) lanes[j] += x[i + j];
   for (; i < n; i++) total += x[i];
   for (int j = 0; j < LANES; j++) total += lanes[j];
   return total;
}
