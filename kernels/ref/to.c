#include "host/core/op.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   sc_convert(y->dtype, y->buffer->data, x->dtype, x->buffer->data, sc_numel(x));
   return SC_OK;
}

SC_KERNEL(ref, to, .dtypes = SC_ALL_DTYPES, .forward = forward)
