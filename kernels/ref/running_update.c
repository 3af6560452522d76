#include "host/ops/running_update.h"

#include "host/core/op.h"
#include "kernels/ref/walk.h"

static void blend(ScTensor *running, const ScTensor *batch, double momentum, double factor) {
   for (int64_t i = 0, n = sc_numel(running); i < n; i++)
      sc_put(running, i, (1 - momentum) * sc_get(running, i) + momentum * factor * sc_get(batch, i));
}

static ScStatus forward(ScCall *c) {
   double momentum = c->attr[SC_RUNNING_MOMENTUM].f;
   blend(c->in[SC_RUNNING_MEAN], c->in[SC_RUNNING_BATCH_MEAN], momentum, 1);
   blend(c->in[SC_RUNNING_VAR], c->in[SC_RUNNING_BATCH_VAR], momentum, c->attr[SC_RUNNING_UNBIAS].f);
   return SC_OK;
}

SC_KERNEL(ref, running_update, .dtypes = SC_FLOATS, .forward = forward)
