#include "host/ops/unique.h"

#include <stdlib.h>

#include "kernels/cpu/half.h"
#include "kernels/cpu/order.h"

static int64_t find(const ScCall *c, const ScKeyed *sorted, int64_t n) {
   const ScTensor *x = c->in[0], *inverse = sc_unique_inverse(c), *counts = sc_unique_counts(c);
   size_t size = sc_dtype_size(x->dtype);
   uint64_t nan = sc_key_of_nan(x->dtype, (ScOrdering){0});
   bool has_nan = sc_dtype_is_float(x->dtype);
   int64_t found = 0;
   for (int64_t k = 0, first = 0; k < n; k++) {
      bool begins = k == 0 || sorted[k].key != sorted[k - 1].key || (has_nan && sorted[k].key == nan);
      if (begins)
         first = k, sc_copy_element(c->out[0]->buffer->data, found++, x->buffer->data, sorted[k].index, size);
      if (counts) ((int64_t *)counts->buffer->data)[found - 1] = k - first + 1;
      if (inverse) ((int64_t *)inverse->buffer->data)[sorted[k].index] = found;
   }
   return found;
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t n = sc_numel(x);
   ScKeyed *keys = malloc(2 * (size_t)n * sizeof *keys);
   if (!keys) return sc_fail(SC_EMEM, "out of memory");
   sc_keys_of(keys, x, 0, n, 1, (ScOrdering){0});
   c->attr[SC_UNIQUE_FOUND].i = find(c, sc_sort_keys(keys, keys + n, n, x->dtype), n);
   free(keys);
   return SC_OK;
}

SC_KERNEL(cpu, unique, .dtypes = SC_NUMBERS, .more_dtypes = sc_cpu_half, .forward = forward)
