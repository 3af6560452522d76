#include "host/ops/list_convert.h"

#include "host/ops/group.h"

static ScStatus forward(ScCall *c) {
   for (int i = 0; i < c->count[0]; i++) {
      const ScTensor *to = sc_group_at(c, SC_CONVERT_TENSORS, i), *from = sc_group_at(c, SC_CONVERT_VALUES, i);
      sc_convert(to->dtype, to->buffer->data, from->dtype, from->buffer->data, sc_numel(to));
   }
   return SC_OK;
}

SC_KERNEL(ref, list_convert, .dtypes = SC_ALL_DTYPES, .forward = forward)
