#include "host/ops/normalize_photos.h"

#include "host/core/op.h"
#include "kernels/ref/walk.h"

// Memory order: channels last.
static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[SC_NORMALIZE_X], *mean = c->in[SC_NORMALIZE_MEAN], *std = c->in[SC_NORMALIZE_STD];
   for (int64_t i = 0, n = sc_numel(x), channels = x->shape[1]; i < n; i++)
      sc_put(c->out[0], i, (sc_get(x, i) / 255 - sc_get(mean, i % channels)) / sc_get(std, i % channels));
   return SC_OK;
}

SC_KERNEL(ref, normalize_photos, .dtypes = 1u << SC_U8, .forward = forward)
