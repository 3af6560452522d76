#include "host/op.h"

enum { BLOCK = 16384 };

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   size_t from_size = sc_dtype_size(x->dtype), to_size = sc_dtype_size(y->dtype);
   int64_t n = sc_numel(x);
#pragma omp parallel for if (n > 2 * BLOCK)
   for (int64_t i = 0; i < n; i += BLOCK)
      sc_convert(y->dtype, (char *)y->buffer->data + (size_t)i * to_size, x->dtype,
                 (const char *)x->buffer->data + (size_t)i * from_size, n - i < BLOCK ? n - i : BLOCK);
   return SC_OK;
}

SC_KERNEL(cpu, to, .dtypes = SC_ALL_DTYPES, .forward = forward)
