#include "host/ops/list_convert.h"

#include "host/ops/group.h"

enum { BLOCK = 16384 };

static char *at(const ScTensor *t, int64_t element) {
   return (char *)t->buffer->data + (size_t)element * sc_dtype_size(t->dtype);
}

static ScStatus forward(ScCall *c) {
#pragma omp parallel
   for (int index = 0; index < c->count[0]; index++) {
      const ScTensor *to = sc_group_at(c, SC_CONVERT_TENSORS, index),
                     *from = sc_group_at(c, SC_CONVERT_VALUES, index);
      int64_t n = sc_numel(to);
#pragma omp for nowait schedule(static)
      for (int64_t i = 0; i < n; i += BLOCK)
         sc_convert(to->dtype, at(to, i), from->dtype, at(from, i), n - i < BLOCK ? n - i : BLOCK);
   }
   return SC_OK;
}

SC_KERNEL(cpu, list_convert, .dtypes = SC_ALL_DTYPES, .forward = forward)
