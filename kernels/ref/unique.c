#include "host/ops/unique.h"

#include "kernels/ref/order.h"

static bool is_same(const ScEntry *a, const ScEntry *b) {
   return !a->nan && !b->nan && a->value == b->value && a->whole == b->whole;
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *inverse = sc_unique_inverse(c), *counts = sc_unique_counts(c);
   int64_t n = sc_numel(x), found = 0;
   ScEntry *all = malloc((size_t)n * sizeof *all);
   if (!all) return sc_fail(SC_EMEM, "out of memory");
   sc_order_row(all, x, 0, n, 1, false, false);
   for (int64_t k = 0; k < n; k++) {
      bool begins = k == 0 || !is_same(&all[k - 1], &all[k]);
      if (begins) sc_copy_element(c->out[0], found++, x, all[k].index);
      if (counts) sc_whole(counts)[found - 1] = begins ? 1 : sc_whole(counts)[found - 1] + 1;
      if (inverse) sc_whole(inverse)[all[k].index] = found;
   }
   free(all);
   c->attr[SC_UNIQUE_FOUND].i = found;
   return SC_OK;
}

SC_KERNEL(ref, unique, .dtypes = SC_NUMBERS, .forward = forward)
